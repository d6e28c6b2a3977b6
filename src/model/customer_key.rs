//! A customer as whoever asks for one names them: by Blip's identity, or by a phone number; and the forms
//! that a phone number has.

/// How a customer is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerKey {
    /// Blip's identity, in lower case.
    Identity(String),
    /// The digits that the number may have at Blip.
    Numbers(Vec<String>),
}

impl CustomerKey {
    /// Reads what somebody has typed; `None` if it is neither an identity nor a number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((local, domain)) = text.split_once('@') {
            let is_whole = !local.is_empty() && !domain.is_empty();
            return is_whole.then(|| Self::Identity(text.to_lowercase()));
        }
        // Only what people write within numbers: with a letter among them it is a name or a code,
        // and the digits of one must not find a customer.
        let is_number = text.chars().all(|c| c.is_ascii_digit() || "+-./() \u{a0}".contains(c));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        (is_number && digits.len() >= MIN_PHONE_DIGITS)
            .then(|| Self::Numbers(list_phone_variants(&digits)))
    }

    /// Whether this is the customer with this identity.
    pub(crate) fn is_customer(&self, identity: &str) -> bool {
        match self {
            // Blip compares identities without case (`blip.md` §2.1).
            Self::Identity(key) => identity.to_lowercase() == *key,
            Self::Numbers(forms) => {
                let local = identity.split('@').next().unwrap_or_default();
                forms.iter().any(|form| form == local.trim_start_matches('+'))
            }
        }
    }

    /// What an identity of the customer begins with, or is.
    pub(crate) fn identity_prefixes(&self) -> Vec<String> {
        match self {
            Self::Identity(identity) => vec![identity.clone()],
            // With the `@`, so that a number does not find those that are only longer.
            Self::Numbers(forms) => forms.iter().map(|form| format!("{form}@")).collect(),
        }
    }
}

/// Most digits of a number in Brazil with its area.
const MAX_NATIONAL_DIGITS: usize = 11;
/// The fewest digits of a number: with fewer, many customers would be meant.
const MIN_PHONE_DIGITS: usize = 8;

/// The digits that a number may have at Blip: in Brazil with and without the country's 55 and, of a
/// mobile phone, with and without the ninth digit, which WhatsApp's accounts of before do not have
/// (`blip.md`, additions §2).
fn list_phone_variants(digits: &str) -> Vec<String> {
    let is_national = |number: &&str| matches!(number.len(), 10 | 11);
    let national = digits.strip_prefix("55").filter(is_national).unwrap_or(digits);
    // As it is dialled within the country.
    let national = national.strip_prefix('0').filter(is_national).unwrap_or(national);
    if !is_national(&national) {
        return vec![digits.to_owned()];
    }
    let (area, number) = national.split_at_checked(2).unwrap_or((national, ""));
    let other = match number.strip_prefix('9').filter(|short| short.len() == 8) {
        Some(short) => Some(format!("{area}{short}")),
        None => lacks_ninth_digit(number).then(|| format!("{area}9{number}")),
    };
    let mut forms = Vec::new();
    for number in [Some(national.to_owned()), other].into_iter().flatten() {
        forms.push(format!("55{number}"));
        forms.push(number);
    }
    forms
}

/// Whether this is a mobile phone's number in Brazil, without country and area, as it was before there were
/// nine digits. Only mobile phones got a ninth; numbers of landlines begin with 2 to 5.
fn lacks_ninth_digit(number: &str) -> bool {
    number.len() == 8 && number.starts_with(['6', '7', '8', '9'])
}

/// The digits of an account of WhatsApp as people dial them, behind a `+`: of a mobile phone in Brazil
/// with the ninth digit, which its account may lack (`blip.md`, additions §2). None if it is no number.
pub(crate) fn write_whatsapp_number(account: &str) -> Option<String> {
    let digits = account.strip_prefix('+').unwrap_or(account);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let national = digits.strip_prefix("55").and_then(|national| national.split_at_checked(2));
    Some(match national {
        Some((area, number)) if lacks_ninth_digit(number) => format!("+55{area}9{number}"),
        _ => format!("+{digits}"),
    })
}

/// What to look for where somebody looks for this: the same, and a number in each of its forms.
pub(crate) fn list_search_forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.trim().to_owned()];
    let Some(CustomerKey::Numbers(numbers)) = CustomerKey::parse(text) else { return forms };
    for number in numbers {
        // What has its country is found without it too.
        if number.starts_with("55") && number.len() > MAX_NATIONAL_DIGITS {
            continue;
        }
        // Typed without its area, it is found by the digits behind the ninth, which both forms have.
        let local = number.strip_prefix('9').filter(|local| lacks_ninth_digit(local));
        let form = local.unwrap_or(&number);
        if !forms.iter().any(|known| known == form) {
            forms.push(form.to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_whatsapp_is_written_as_it_is_dialled() {
        for (account, number) in [
            ("551187654321", Some("+5511987654321")),
            ("+551187654321", Some("+5511987654321")),
            ("5511987654321", Some("+5511987654321")),
            ("556199998888", Some("+5561999998888")),
            // A house, a mobile phone elsewhere, a number that is too short, and none.
            ("551133334444", Some("+551133334444")),
            ("351912345678", Some("+351912345678")),
            ("55118765432", Some("+55118765432")),
            ("1187654321", Some("+1187654321")),
            ("maria", None),
            ("+", None),
            ("", None),
        ] {
            assert_eq!(write_whatsapp_number(account).as_deref(), number, "{account}");
        }
    }

    #[test]
    fn a_number_is_looked_for_in_both_forms() {
        let accounts = ["5511987654321@wa.gw.msging.net", "551187654321@wa.gw.msging.net"];
        for text in [
            "5511987654321",
            "551187654321",
            "+55 (11) 98765-4321",
            "11 98765-4321",
            "1187654321",
            "987654321",
            "98765-4321",
            "87654321",
        ] {
            let forms = list_search_forms(text);
            for account in accounts {
                let is_found = forms.iter().any(|form| account.contains(form));
                assert!(is_found, "{text} finds {account} by {forms:?}");
            }
        }
        for text in ["1042", "Maria", "", "3333-4444x"] {
            assert_eq!(list_search_forms(text), [text], "nothing else is looked for");
        }
    }

    #[test]
    fn a_number_is_known_in_its_usual_forms() {
        let identities = ["5511987654321@wa.gw.msging.net", "551187654321@wa.gw.msging.net"];
        for number in [
            "+55 (11) 98765-4321",
            "+55 11 8765-4321",
            "5511987654321",
            "551187654321",
            "11 98765 4321",
            "1187654321",
            "011 98765.4321",
        ] {
            let key = CustomerKey::parse(number).unwrap();
            assert!(
                identities.iter().all(|identity| key.is_customer(identity)),
                "{number}: {key:?}"
            );
            assert!(!key.is_customer("5511987654322@wa.gw.msging.net"), "{number}");
            assert!(!key.is_customer("5521987654321@wa.gw.msging.net"), "{number}");
        }
        // A number of a house has no ninth digit, one of another country no forms.
        let house = CustomerKey::parse("+55 11 3333-4444").unwrap();
        assert!(house.is_customer("551133334444@sms.gw.msging.net"));
        assert!(!house.is_customer("5511933334444@sms.gw.msging.net"));
        let portuguese = CustomerKey::parse("+351 912 345 678").unwrap();
        assert_eq!(portuguese, CustomerKey::Numbers(vec!["351912345678".to_owned()]));
    }

    #[test]
    fn an_identity_is_known_without_case_and_nothing_else_is_taken() {
        let key = CustomerKey::parse(" Ana%40x.com@0mn.io ").unwrap();
        assert!(key.is_customer("ana%40x.com@0mn.io") && !key.is_customer("ana%40x.com@0mn.io.br"));
        for text in ["", "Maria", "@0mn.io", "ana@", "1234567", "12345678x"] {
            assert_eq!(CustomerKey::parse(text), None, "{text}");
        }
    }
}
