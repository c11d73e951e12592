//! Enums without fields whose variants have names.
//!
//! Invariant: one list makes the names, what reads them and their order.

/// Gives an enum `ALL`, `as_str`, `named` and `Display`, from its variants in the order of the help text.
macro_rules! named {
    ($vis:vis $enum:ident { $($variant:ident: $name:literal),+ $(,)? }) => {
        impl $enum {
            /// Every one, in the order of the help text.
            $vis const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Returns its name.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// Returns the one of this name.
            #[must_use]
            $vis fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|known| known.as_str() == name)
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
