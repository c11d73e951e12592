//! The bounds of a server, by the names that its metrics and refusals have for them.

/// The bound that a request went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// Requests that may wait for a worker.
    Queue,
    /// Bytes of all bodies.
    Bodies,
    /// Bytes of one body.
    Body,
    /// How deep a filter or an expression may be.
    Depth,
    /// Results of one request.
    Results,
    /// Results that may be skipped.
    Offset,
    /// Connections.
    Connections,
    /// Requests a second.
    Rate,
    /// Long requests at work.
    Long,
    /// The time a request may take.
    Time,
    /// The time until the head of a first request.
    Head,
    /// Agreeing on a key, or the time for it.
    Handshake,
    /// The time a client may take nothing of an answer.
    Stall,
}

impl Rejection {
    pub(super) const ALL: [Self; 13] = [
        Self::Queue,
        Self::Bodies,
        Self::Body,
        Self::Depth,
        Self::Results,
        Self::Offset,
        Self::Connections,
        Self::Rate,
        Self::Long,
        Self::Time,
        Self::Head,
        Self::Handshake,
        Self::Stall,
    ];

    /// Returns its name in the metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Bodies => "bodies",
            Self::Body => "body",
            Self::Depth => "depth",
            Self::Results => "results",
            Self::Offset => "offset",
            Self::Connections => "connections",
            Self::Rate => "rate",
            Self::Long => "long",
            Self::Time => "time",
            Self::Head => "head",
            Self::Handshake => "handshake",
            Self::Stall => "stall",
        }
    }
}
