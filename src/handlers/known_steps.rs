//! The steps of an item that are on record: what a run before this one came to.

/// Steps by their names, each with its result if that is known. A step is a call that was begun, or
/// something that was found out or decided.
#[derive(Default)]
pub(crate) struct KnownSteps(pub(crate) Vec<(String, Option<String>)>);

impl KnownSteps {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the step of this name was begun.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(step, _)| step == name)
    }

    /// The result of the step of this name; none if it is not known, or if there is no such step.
    pub(crate) fn result_of(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(step, _)| step == name)?.1.as_deref()
    }

    /// Whether a step was begun whose name starts so.
    pub(crate) fn has_with_prefix(&self, prefix: &str) -> bool {
        self.0.iter().any(|(step, _)| step.starts_with(prefix))
    }
}
