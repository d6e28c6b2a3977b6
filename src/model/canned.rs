//! Canned replies: texts of the team's own with variables in them.

/// Fills in the variables of a canned reply: `${contact.name}` and `{{agent.fullName}}` alike.
///
/// What `value` does not know vanishes, as at Blip (`blip.md` §5): a customer is never greeted
/// with the name of a variable. A bracket that is not closed is just text.
pub(crate) fn fill_variables(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opening, closing)) = find_variable(rest) {
        filled.push_str(before);
        let after = rest.get(before.len() + opening.len()..).unwrap_or_default();
        let Some((name, after)) =
            after.split_once(closing).filter(|(name, _)| is_variable_name(name))
        else {
            filled.push_str(opening);
            rest = after;
            continue;
        };
        filled.push_str(&value(name.trim()).unwrap_or_default());
        // The value itself is not looked through: a customer's name may read like a variable (test
        // `variables_are_filled_in_once`).
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// What stands before the next variable, and the brackets around it.
fn find_variable(text: &str) -> Option<(&str, &'static str, &'static str)> {
    let brackets = [("${", "}"), ("{{", "}}")];
    let found =
        brackets.into_iter().filter_map(|(open, close)| Some((text.find(open)?, open, close)));
    let (at, open, close) = found.min_by_key(|(at, ..)| *at)?;
    Some((text.get(..at)?, open, close))
}

fn is_variable_name(name: &str) -> bool {
    let name = name.trim();
    // Braces that people type, as in `${a b}`, are text: the name of a variable has no blanks.
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-@#".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<String> {
        match name {
            "contact.name" => Some("Maria".to_owned()),
            "agent.fullName" => Some("Ana ${contact.name}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_filled_in_once() {
        for (text, filled) in [
            ("Oi, ${contact.name}!", "Oi, Maria!"),
            ("Oi, {{ contact.name }}!", "Oi, Maria!"),
            ("{{agent.fullName}} aqui", "Ana ${contact.name} aqui"),
            ("Pedido ${contact.extras.order}.", "Pedido ."),
            ("R$ 10 {x} ${ sem fim", "R$ 10 {x} ${ sem fim"),
            ("${}{{}} ${a b} ${contact.name}", "${}{{}} ${a b} Maria"),
            ("", ""),
        ] {
            assert_eq!(fill_variables(text, known), filled, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_without_brackets_is_left_alone(text in "[^{}]*") {
            proptest::prop_assert_eq!(fill_variables(&text, known), text);
        }
    }
}
