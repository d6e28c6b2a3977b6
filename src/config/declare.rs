//! A setting is declared once: what `settings!` is given becomes the row of the table that explains
//! it, the field that holds it, and the reading of the one into the other.

use std::time::Duration;

use super::reader::SettingsReader;

/// Declares a struct of settings and their table:
///
/// ```text
/// part <field>: <type> = <what reads it>;       several settings, or one that others share
/// table <name> {
///     <field>: <type> = <how it is read>, <the variable>;
/// }
/// ```
///
/// All of them are read before any of them is missed, so that all faults are found in one go. What
/// is read later may ask what was read before, by its field's name.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[$part_meta:meta])*
                part $part_vis:vis $part:ident: $part_type:ty = $part_read:expr;
            )*
            $(table $table:ident {
                $(
                    $(#[$field_meta:meta])*
                    $field_vis:vis $field:ident: $type:ty = $read:expr, $variable:expr;
                )*
            })*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$part_meta])* $part_vis $part: $part_type,)*
            $($($(#[$field_meta])* $field_vis $field: $type,)*)*
        }

        $(pub(super) const $table: &[super::variable::Variable] = &[$($variable),*];)*

        impl $name {
            /// Reads the settings; `None` if one of them is wrong or missing.
            pub(super) fn read_settings(
                reader: &mut super::reader::SettingsReader<'_>,
            ) -> Option<Self> {
                $(let $part = ($part_read)(&mut *reader);)*
                $($(
                    let $field = {
                        const VARIABLE: super::variable::Variable = $variable;
                        ($read)(&mut *reader, VARIABLE.name)
                    };
                )*)*
                // No `?` before this: the first fault would hide all others.
                Some(Self { $($part: $part?,)* $($($field: $field?,)*)* })
            }
        }
    };
}

pub(super) use settings;

/// A setting that has a default, which its declaration names.
pub(super) fn with_default<T>(
    parse: impl Fn(&str) -> Option<T>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<T> {
    move |reader, name| reader.read_optional(name, parse)
}

/// A setting that must be there.
pub(super) fn required<T>(
    parse: impl Fn(&str) -> Option<T>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<T> {
    move |reader, name| reader.read_required(name, parse)
}

/// A setting that may be left out.
pub(super) fn optional<T>(
    parse: impl Fn(&str) -> Option<T>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<Option<T>> {
    move |reader, name| Some(reader.read_optional(name, parse))
}

/// A list or the like that is empty if it is left out.
pub(super) fn or_empty<T: Default>(
    parse: impl Fn(&str) -> Option<T>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<T> {
    move |reader, name| Some(reader.read_optional(name, parse).unwrap_or_default())
}

/// A setting of the form `Flag`, which has a default.
pub(super) fn flag(reader: &mut SettingsReader<'_>, name: &str) -> Option<bool> {
    reader.read_flag(name)
}

/// A setting of the form `Whole`, which has a default.
pub(super) fn whole<T: TryFrom<u64>>(reader: &mut SettingsReader<'_>, name: &str) -> Option<T> {
    reader.read_whole_number(name).and_then(|number| T::try_from(number).ok())
}

/// A setting of the form `Whole`, in its unit.
pub(super) fn whole_as<T>(
    convert: impl Fn(u64) -> T,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<T> {
    move |reader, name| reader.read_whole_number(name).map(convert)
}

/// A time of the form `Whole`, in its unit; 0 is never.
pub(super) fn time_or_never(
    convert: impl Fn(u64) -> Duration,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<Option<Duration>> {
    move |reader, name| {
        let time = reader.read_whole_number(name).map(convert)?;
        Some(Some(time).filter(|time| !time.is_zero()))
    }
}

/// A time that has a default; 0 is never.
pub(super) fn unless_zero(
    parse: impl Fn(&str) -> Option<Duration>,
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<Option<Duration>> {
    move |reader, name| {
        let time = reader.read_optional(name, parse)?;
        Some(Some(time).filter(|time| !time.is_zero()))
    }
}

/// A setting of the form `OneOf`, and what each of its values is.
pub(super) fn one_of<T: Copy>(
    choices: &[(&'static str, T)],
) -> impl FnOnce(&mut SettingsReader<'_>, &str) -> Option<T> {
    move |reader, name| {
        reader.read_one_of(name, |value| {
            choices.iter().find(|(choice, _)| *choice == value).map(|(_, meant)| *meant)
        })
    }
}

/// A setting of the form `OneOf`, as it stands.
pub(super) fn one_of_names(reader: &mut SettingsReader<'_>, name: &str) -> Option<String> {
    reader.read_one_of(name, |value| Some(value.to_owned()))
}
