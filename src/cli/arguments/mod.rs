//! Arguments that several verbs share.

pub(crate) mod collection;
pub(crate) mod columns;
pub(crate) mod destination;
pub(crate) mod did_you_mean;
pub(crate) mod filter;
pub(crate) mod global;
pub(crate) mod include;
pub(crate) mod shards;

/// Reads the name of one of an enum that `named!` names.
macro_rules! one_of {
    ($enum:ty) => {
        clap::builder::TypedValueParser::try_map(
            clap::builder::PossibleValuesParser::new(<$enum>::ALL.map(<$enum>::as_str)),
            |name| <$enum>::named(&name).ok_or(name),
        )
    };
}
pub(crate) use one_of;
