//! Numbers that stand for a person or a payment: CPF, CNPJ and payment cards.
//!
//! A number counts only if its check digits are right, so that order numbers, phones and tracking
//! codes stay what they are. People write such numbers with dots, dashes, slashes and blanks of
//! any kind between the digits, and some senders with invisible characters or full-width digits.

use std::ops::Range;

use super::invisible::is_invisible;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// The number of a person with Brazil's tax office.
    Cpf,
    /// The number of a company there: digits or, since July 2026, also letters.
    Cnpj,
    /// A number of a payment card, of which the last four digits stay.
    Card,
}

/// A number in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundNumber {
    pub(crate) kind: NumberKind,
    /// Where its digits and letters stand, in bytes.
    digits: Vec<Range<usize>>,
    /// What must stay together for it to be recognised: with the word beside it, if it counts only
    /// for that.
    pub(crate) whole: Range<usize>,
}

/// What stands in place of a digit that is hidden.
const HIDDEN_DIGIT: char = '•';
/// Digits of a card that may stay readable: people tell cards apart by them.
const CARD_SHOWN: usize = 4;
/// Most separators between two digits of one number, as in `247 - 25`.
const MOST_SEPARATORS: usize = 3;
/// How far from a number the word that says what it is may stand, in characters.
const MAX_KEYWORD_DISTANCE: usize = 30;
/// Digits in a row that make the key of an electronic invoice or the line of a bank slip, in which
/// groups of four often look like a card.
const LONG_KEY: usize = 40;

const CPF_GROUPS: &[usize] = &[3, 6, 9];
const CNPJ_GROUPS: &[usize] = &[2, 5, 8, 12];
const CARD_GROUPS: &[usize] = &[4, 8, 12, 16];
const SHORT_CARD_GROUPS: &[usize] = &[4, 8, 10, 12];

/// The area codes of Brazilian phones.
const AREA_CODES: [u32; 67] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77,
    79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 91, 92, 93, 94, 95, 96, 97, 98, 99,
];

impl NumberKind {
    pub(crate) const ALL: [Self; 3] = [Self::Cpf, Self::Cnpj, Self::Card];

    /// Its name in settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpf => "cpf",
            Self::Cnpj => "cnpj",
            Self::Card => "card",
        }
    }

    /// Words that say that a number is of this kind.
    fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Cpf => &["cpf"],
            Self::Cnpj => &["cnpj"],
            Self::Card => &["cartao", "cartão", "card", "tarjeta", "crédito", "credito", "débito"],
        }
    }

    /// How many characters it has.
    fn valid_lengths(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Cpf => 11..=11,
            Self::Cnpj => 14..=14,
            Self::Card => 13..=19,
        }
    }
}

/// The numbers of these kinds in a text, in order.
pub(crate) fn find_numbers(text: &str, kinds: &[NumberKind]) -> Vec<FoundNumber> {
    let mut found: Vec<FoundNumber> = Vec::new();
    for run in split_runs(text) {
        let mut at = 0;
        while at < run.len() {
            match first_number(text, (&run, at), kinds) {
                Some(number) => {
                    at += number.digits.len();
                    found.push(number);
                }
                None => at += 1,
            }
        }
    }
    found
}

/// The text with its numbers of these kinds hidden; `None` if there are none.
pub(crate) fn hide_numbers(text: &str, kinds: &[NumberKind]) -> Option<String> {
    let found = find_numbers(text, kinds);
    if found.is_empty() {
        return None;
    }
    let mut hidden = String::with_capacity(text.len());
    let mut done = 0;
    for number in &found {
        let shown = if number.kind == NumberKind::Card { CARD_SHOWN } else { 0 };
        for digit in number.digits.iter().take(number.digits.len() - shown) {
            hidden.push_str(text.get(done..digit.start).unwrap_or_default());
            hidden.push(HIDDEN_DIGIT);
            done = digit.end;
        }
    }
    hidden.push_str(text.get(done..).unwrap_or_default());
    Some(hidden)
}

/// Whether something in the text has been hidden. A list has the same sign, but never twice.
pub(crate) fn has_hidden_digits(text: &str) -> bool {
    text.chars().zip(text.chars().skip(1)).any(|pair| pair == (HIDDEN_DIGIT, HIDDEN_DIGIT))
}

/// A character that may be part of a number, and what stands before it.
#[derive(Clone, Debug)]
struct Sign {
    /// As an upper-case ASCII digit or letter.
    value: u8,
    is_lower: bool,
    gap: NumberGap,
    start: usize,
    bytes: u8,
}

/// What stands before a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberGap {
    /// Nothing that shows, such as a joiner: the digits beside it go together.
    Joined,
    Dot,
    /// Other separators without a blank.
    Tight,
    /// A slash, which may also stand between two numbers.
    Slash,
    /// Separators with a blank among them.
    Blank,
    /// Something that is no separator, or the beginning of the text.
    Start,
}

impl Sign {
    fn is_digit(&self) -> bool {
        self.value.is_ascii_digit()
    }

    fn byte_range(&self) -> Range<usize> {
        self.start..self.start + usize::from(self.bytes)
    }

    /// Whether a number may begin here.
    fn may_begin_number(&self) -> bool {
        matches!(self.gap, NumberGap::Start | NumberGap::Blank | NumberGap::Slash)
    }

    fn digit_value(&self) -> u32 {
        u32::from(self.value.wrapping_sub(b'0'))
    }
}

/// Digits and letters with nothing but separators between them, in pieces that end where anything
/// else stands.
fn split_runs(text: &str) -> Vec<Vec<Sign>> {
    let mut runs: Vec<Vec<Sign>> = Vec::new();
    let mut separators: Option<Vec<char>> = None;
    for (at, c) in text.char_indices() {
        if is_ignorable(c) {
            continue;
        }
        if let Some(value) = to_plain_ascii(c) {
            let gap = separators.as_deref().map_or(NumberGap::Start, classify_gap);
            let (start, bytes) = (at, u8::try_from(c.len_utf8()).unwrap_or_default());
            let is_lower = value.is_ascii_lowercase();
            let sign = Sign { value: value.to_ascii_uppercase(), is_lower, gap, start, bytes };
            match runs.last_mut() {
                Some(run) if gap != NumberGap::Start => run.push(sign),
                _ => runs.push(vec![sign]),
            }
            separators = Some(Vec::new());
        } else if is_separator(c)
            && let Some(before) = &mut separators
            && before.len() < MOST_SEPARATORS
        {
            before.push(c);
        } else {
            separators = None;
        }
    }
    runs
}

fn classify_gap(separators: &[char]) -> NumberGap {
    match separators {
        [] => NumberGap::Joined,
        signs if signs.iter().any(|c| c.is_whitespace()) => NumberGap::Blank,
        ['.'] => NumberGap::Dot,
        signs if signs.iter().any(|c| matches!(c, '/' | '／' | '⁄' | '∕')) => NumberGap::Slash,
        _ => NumberGap::Tight,
    }
}

/// A digit or letter as ASCII.
fn to_plain_ascii(c: char) -> Option<u8> {
    let c = match c {
        // Full-width forms.
        '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' => {
            char::from_u32(u32::from(c) - 0xFEE0)?
        }
        // Arabic, and the digits in bold or double lines of mathematics.
        '\u{0660}'..='\u{0669}' => char::from_digit(u32::from(c) - 0x0660, 10)?,
        '\u{06F0}'..='\u{06F9}' => char::from_digit(u32::from(c) - 0x06F0, 10)?,
        '\u{1D7CE}'..='\u{1D7FF}' => char::from_digit((u32::from(c) - 0x1D7CE) % 10, 10)?,
        c => c,
    };
    u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric)
}

fn is_separator(c: char) -> bool {
    // No line break: what stands on two lines is two numbers.
    (c.is_whitespace() && !matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}'))
        || matches!(c, '.' | '．' | '·' | '-' | '－' | '−' | '_' | '/' | '／' | '⁄' | '∕' | '\\')
        || ('\u{2010}'..='\u{2015}').contains(&c)
}

/// Whether a character parts no number for who reads it: it does not show, or it is the box around
/// the digit before it.
fn is_ignorable(c: char) -> bool {
    is_invisible(c) || c == '\u{20E3}'
}

/// The longest number that begins at a place of a run.
fn first_number(
    text: &str,
    (run, at): (&[Sign], usize),
    kinds: &[NumberKind],
) -> Option<FoundNumber> {
    // The longest first: eleven digits within a card or the number of a company may well check as a
    // CPF.
    let order = [NumberKind::Card, NumberKind::Cnpj, NumberKind::Cpf];
    let mut kinds = order.into_iter().filter(|kind| kinds.contains(kind));
    kinds.find_map(|kind| {
        let mut lengths = kind.valid_lengths().rev();
        lengths.find_map(|length| Candidate::new(text, run, at, length)?.match_kind(kind))
    })
}

/// Signs that may be a number.
struct Candidate<'a> {
    text: &'a str,
    signs: &'a [Sign],
    /// Before which of its signs separators stand.
    parted: Vec<usize>,
    /// How many digits stand in a row with it, with blanks between them at most.
    in_a_row: usize,
}

impl<'a> Candidate<'a> {
    /// Signs of a run that stand apart from others.
    fn new(text: &'a str, run: &'a [Sign], at: usize, length: usize) -> Option<Self> {
        let (before, rest) = run.split_at_checked(at)?;
        let (signs, after) = rest.split_at_checked(length)?;
        let (first, last) = (signs.first()?, signs.last()?);
        let is_apart = |sign: &Sign, other: Option<&Sign>, gap: Option<&Sign>| {
            other.is_none_or(|other| {
                // People write `CPF52998224725` and `Visa4111…` without a blank.
                gap.is_some_and(Sign::may_begin_number) || is_letter_beside_digit(sign, other)
            })
        };
        if !is_apart(first, before.last(), Some(first))
            || !is_apart(last, after.first(), after.first())
        {
            return None;
        }
        let is_in_a_row = |sign: &&Sign| {
            sign.is_digit() && matches!(sign.gap, NumberGap::Joined | NumberGap::Blank)
        };
        let digits = |signs: &mut dyn Iterator<Item = &Sign>| {
            // No further than it matters, so that a text of nothing but digits takes no time.
            signs.take(LONG_KEY).take_while(is_in_a_row).count()
        };
        let in_a_row = digits(&mut before.iter().rev()) + length + digits(&mut after.iter());
        let candidate = Self { text, signs, parted: find_separated(signs), in_a_row };
        candidate.is_free().then_some(candidate)
    }

    /// Whether no letters touch it, as they do in the id of something. One that is all digits may
    /// be touched on one side, as in `CPF52998224725`.
    fn is_free(&self) -> bool {
        let range = self.byte_range();
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before =
            self.text_before().chars().rev().take(MAX_KEYWORD_DISTANCE).find(|c| !is_ignorable(*c));
        let after = self.text.get(range.end..).unwrap_or_default().chars();
        let after = after.take(MAX_KEYWORD_DISTANCE).find(|c| !is_ignorable(*c));
        match (touches(before), touches(after)) {
            (false, false) => true,
            (true, true) => false,
            _ => self.is_all_digits(),
        }
    }

    fn byte_range(&self) -> Range<usize> {
        let start = self.signs.first().map_or(0, |sign| sign.start);
        start..self.signs.last().map_or(start, |sign| sign.byte_range().end)
    }

    fn text_before(&self) -> &str {
        self.text.get(..self.byte_range().start).unwrap_or_default()
    }

    fn is_all_digits(&self) -> bool {
        self.signs.iter().all(Sign::is_digit)
    }

    /// The number that it is, if it is one of this kind.
    fn match_kind(&self, kind: NumberKind) -> Option<FoundNumber> {
        let mut others = self.signs.iter().skip(1);
        let is_repeated =
            others.all(|sign| Some(sign.value) == self.signs.first().map(|s| s.value));
        let is_right = match kind {
            NumberKind::Cpf => self.is_all_digits() && is_cpf(&self.digit_values()),
            NumberKind::Cnpj => is_cnpj(self.signs),
            NumberKind::Card => self.is_all_digits() && is_card(&self.digit_values()),
        };
        // `111.111.111-11` checks as a CPF, but is what people write when they want to give none.
        if is_repeated || !is_right {
            return None;
        }
        let whole = if self.is_written_as(kind) {
            self.byte_range()
        } else {
            self.range_with_keyword(kind)?
        };
        let digits = self.signs.iter().map(Sign::byte_range).collect();
        Some(FoundNumber { kind, digits, whole })
    }

    fn digit_values(&self) -> Vec<u32> {
        self.signs.iter().map(Sign::digit_value).collect()
    }

    /// Whether it is written as people write such a number, and not as something else.
    fn is_written_as(&self, kind: NumberKind) -> bool {
        let (parted, length) = (&self.parted, self.signs.len());
        let groups = match kind {
            NumberKind::Cpf => CPF_GROUPS,
            NumberKind::Cnpj => CNPJ_GROUPS,
            NumberKind::Card if length < 16 => SHORT_CARD_GROUPS,
            NumberKind::Card => CARD_GROUPS,
        };
        let is_usual = parted.iter().all(|at| groups.contains(at));
        let gap = |at: usize| self.signs.get(at).map(|sign| sign.gap);
        let is_spelt = parted.len() + 1 == length;
        let is_one_word = !parted.iter().any(|at| gap(*at) == Some(NumberGap::Blank));
        // A coordinate, such as `-52.998224725`, has one full stop among as many digits (test
        // `other_numbers_stay`).
        let is_decimal = matches!(parted.as_slice(), [at] if gap(*at) == Some(NumberGap::Dot));
        if !is_usual && (is_decimal || !(is_spelt || is_one_word)) {
            return false;
        }
        match kind {
            // A mobile phone has eleven digits, too, and some check as a CPF. It is one only in the
            // CPF's own groups, or beside that word
            // (`what_reads_as_a_phone_is_a_cpf_only_beside_that_word`).
            NumberKind::Cpf => !self.is_phone() || (is_usual && !parted.is_empty()),
            NumberKind::Cnpj if self.is_all_digits() => true,
            NumberKind::Cnpj if parted.is_empty() => self.is_code(),
            NumberKind::Cnpj => is_usual && (is_one_word || parted.len() == groups.len()),
            NumberKind::Card => self.in_a_row < LONG_KEY,
        }
    }

    /// Whether it can be a phone: one with a country code, or a mobile one of Brazil.
    fn is_phone(&self) -> bool {
        let is_mobile = match self.digit_values().as_slice() {
            [ten, one, nine, ..] => AREA_CODES.contains(&(ten * 10 + one)) && *nine == 9,
            _ => false,
        };
        is_mobile || self.text_before().ends_with('+')
    }

    /// Whether letters and digits without separators are no word.
    fn is_code(&self) -> bool {
        let mut root = self.signs.iter().take(12);
        root.any(Sign::is_digit) && !self.signs.iter().any(|sign| sign.is_lower)
    }

    /// The number with the word beside it that says of what kind it is. No other number may stand
    /// between the two.
    fn range_with_keyword(&self, kind: NumberKind) -> Option<Range<usize>> {
        let range = self.byte_range();
        let after = self.text.get(range.end..)?;
        let is_near = |(near, (_, c)): &(usize, (usize, char))| {
            *near < MAX_KEYWORD_DISTANCE && !to_plain_ascii(*c).is_some_and(|c| c.is_ascii_digit())
        };
        let says_so = |start: usize, end: usize| {
            let part = self.text.get(start..end).unwrap_or_default().to_lowercase();
            let letters: String = part.chars().filter(|c| c.is_alphabetic()).collect();
            kind.keywords().iter().any(|word| letters.contains(word))
        };
        // From the number outwards: what must stay together with it is to be as short as possible.
        let mut starts = self.text_before().char_indices().rev().enumerate().take_while(is_near);
        if let Some((_, (start, _))) = starts.find(|(_, (at, _))| says_so(*at, range.start)) {
            return Some(start..range.end);
        }
        let ends = after.char_indices().enumerate().take_while(is_near);
        let mut ends = ends.map(|(_, (at, c))| range.end + at + c.len_utf8());
        ends.find(|end| says_so(range.end, *end)).map(|end| range.start..end)
    }
}

/// Whether of two signs one is a letter and the other a digit.
fn is_letter_beside_digit(one: &Sign, other: &Sign) -> bool {
    one.is_digit() != other.is_digit()
}

fn find_separated(signs: &[Sign]) -> Vec<usize> {
    let signs = signs.iter().enumerate().skip(1);
    signs.filter(|(_, sign)| sign.gap != NumberGap::Joined).map(|(at, _)| at).collect()
}

/// The check digit of the tax office: a weighted sum modulo 11.
fn check_digit(values: &[u32], highest_weight: u32) -> u32 {
    let weights = (2..=highest_weight).cycle();
    let sum: u32 = values.iter().rev().zip(weights).map(|(value, weight)| value * weight).sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

/// Whether the last two of the values are the check digits of those before them.
fn has_check_digits(values: &[u32], highest_weight: u32) -> bool {
    let Some((last, first)) = values.split_last() else { return false };
    let Some((before, root)) = first.split_last() else { return false };
    check_digit(root, highest_weight) == *before && check_digit(first, highest_weight) == *last
}

fn is_cpf(digits: &[u32]) -> bool {
    has_check_digits(digits, 11)
}

/// Letters count by their place after the digits in ASCII (Instrução Normativa RFB 2.229/2024).
fn is_cnpj(signs: &[Sign]) -> bool {
    let values: Vec<u32> = signs.iter().map(Sign::digit_value).collect();
    signs.iter().rev().take(2).all(Sign::is_digit) && has_check_digits(&values, 9)
}

/// Luhn's check, and a first part and length that cards have.
fn is_card(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    let first = digits.iter().take(4).fold(0, |first, digit| first * 10 + digit);
    sum.is_multiple_of(10) && is_card_prefix(first, digits.len())
}

/// Whether a card may begin with these four digits and be this long (ISO/IEC 7812 and the brands).
fn is_card_prefix(first: u32, length: usize) -> bool {
    match first {
        // Visa and Elo.
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // Mastercard.
        5100..=5599 | 2221..=2720 => length == 16,
        // American Express.
        3400..=3499 | 3700..=3799 => length == 15,
        // Diners Club.
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => matches!(length, 14 | 16 | 19),
        // Maestro where it is shorter than others.
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (13..=19).contains(&length),
        // JCB, Elo, Hipercard, Aura, Discover, UnionPay, Maestro.
        3528..=3589 | 5000..=5099 | 5600..=6999 => (16..=19).contains(&length),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hidden(text: &str) -> String {
        hide_numbers(text, &NumberKind::ALL).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn numbers_are_found_however_people_write_them() {
        for (text, shown) in [
            ("529.982.247-25", "•••.•••.•••-••"),
            ("Meu CPF é 52998224725.", "Meu CPF é •••••••••••."),
            ("CPF52998224725", "CPF•••••••••••"),
            ("cpf_529_982_247_25.pdf", "cpf_•••_•••_•••_••.pdf"),
            ("529 982 247 25", "••• ••• ••• ••"),
            ("529.982.247/25", "•••.•••.•••/••"),
            ("529\u{a0}982\u{a0}247\u{2011}25", "•••\u{a0}•••\u{a0}•••\u{2011}••"),
            ("529982247-25", "•••••••••-••"),
            ("529. 982. 247 - 25", "•••. •••. ••• - ••"),
            ("5 2 9 9 8 2 2 4 7 2 5", "• • • • • • • • • • •"),
            ("52\u{200b}9982\u{2060}24\u{ad}725", "••\u{200b}••••\u{2060}••\u{ad}•••"),
            ("５２９.９８２.２４７-２５", "•••.•••.•••-••"),
            ("5️⃣2️⃣9️⃣9️⃣8️⃣2️⃣2️⃣4️⃣7️⃣2️⃣5️⃣", "•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣•️⃣"),
            ("529.982.247-25 e 111.444.777-35", "•••.•••.•••-•• e •••.•••.•••-••"),
            ("529.982.247-25 111.444.777-35", "•••.•••.•••-•• •••.•••.•••-••"),
            ("52998224725/11144477735", "•••••••••••/•••••••••••"),
            ("https://loja.com/?doc=52998224725&x=1", "https://loja.com/?doc=•••••••••••&x=1"),
            ("*529.982.247-25*", "*•••.•••.•••-••*"),
            // Companies: digits, and letters too since 2026.
            ("11.222.333/0001-81", "••.•••.•••/••••-••"),
            ("CNPJ 11222333000181", "CNPJ ••••••••••••••"),
            ("11 222 333 0001 81", "•• ••• ••• •••• ••"),
            ("12.ABC.345/01DE-35", "••.•••.•••/••••-••"),
            ("12ABC34501DE35", "••••••••••••••"),
            ("cnpj 12.abc.345/01de-35", "cnpj ••.•••.•••/••••-••"),
            ("cnpj: 12abc34501de35", "cnpj: ••••••••••••••"),
            // Cards.
            ("4111 1111 1111 1111", "•••• •••• •••• 1111"),
            ("4111-1111-1111-1111 12/29 123", "••••-••••-••••-1111 12/29 123"),
            ("4111111111111111", "••••••••••••1111"),
            ("5555.5555.5555.4444", "••••.••••.••••.4444"),
            ("3782 822463 10005", "•••• •••••• •0005"),
            ("30569309025904", "••••••••••5904"),
            (
                "Elo 6362970000457013, Hiper 6062825624254001",
                "Elo ••••••••••••7013, Hiper ••••••••••••4001",
            ),
            ("Visa4111111111111111", "Visa••••••••••••1111"),
        ] {
            assert_eq!(hidden(text), shown, "{text}");
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "",
            "Pedido 12345678901",
            "Pedido 529.982.247-26",
            "000.000.000-00 111.111.111-11",
            "Protocolo 20240115123456789",
            "4111 1111 1111 1112",
            "Pedido 1234567812345670",
            // It would be a CPF, but is a phone.
            "11987654374",
            "(11) 98765-4374",
            "11 98765-4374",
            "+52998224725",
            "+55 11 98765-4321",
            "5511987654321",
            // IMEI: Luhn's check is right, the length and the beginning are no card's.
            "IMEI 356938035643809",
            // The key of an electronic invoice; four groups in it would be a card.
            "3524 0114 2001 6600 0187 5500 1000 0000 0412 3456 7890",
            "23793.38128 60000.000003 00000.000401 1 84340000010000",
            "-52.998224725, -46.6333094",
            "52.998224725",
            "id a52998224725b",
            "550e8400-e29b-41d4-a716-446655440000",
            "12345678952998224725",
            "529.982.247\n25",
            "<!date^1392734382^{date_short_pretty} {time}|18/02 11:39>",
            "https://x.slack.com/archives/C1/p1785776520000100",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    #[test]
    fn what_reads_as_a_phone_is_a_cpf_only_beside_that_word() {
        for (text, is_found) in [
            ("11987654374", false),
            ("CPF 11987654374", true),
            ("c.p.f.: 11987654374", true),
            ("11987654374 (meu cpf)", true),
            ("CPF 52998224725, celular 11987654374", false),
            ("119.876.543-74", true),
        ] {
            let found = find_numbers(text, &[NumberKind::Cpf]);
            let is_it = found.iter().any(|it| text.get(it.whole.clone()).unwrap().contains("37"));
            let is_it = is_it || text.contains("543-74") && !found.is_empty();
            assert_eq!(is_it, is_found, "{text}");
        }
    }

    #[test]
    fn only_the_kinds_asked_for_are_hidden() {
        let text = "529.982.247-25 11.222.333/0001-81 4111111111111111";
        let cards = "529.982.247-25 11.222.333/0001-81 ••••••••••••1111";
        assert_eq!(hide_numbers(text, &[NumberKind::Card]).unwrap(), cards);
        assert_eq!(hide_numbers(text, &[]), None);
    }

    /// A valid CPF from nine digits.
    fn cpf(root: u32) -> String {
        let mut digits: Vec<u32> =
            format!("{root:09}").chars().filter_map(|c| c.to_digit(10)).collect();
        digits.push(check_digit(&digits, 11));
        digits.push(check_digit(&digits, 11));
        digits.iter().map(u32::to_string).collect()
    }

    proptest! {
        #[test]
        fn every_cpf_is_hidden_with_any_separators_at_its_groups(
            root in 1u32..999_999_999,
            signs in prop::collection::vec("[.\\-/ \u{a0}]{1,3}|\u{200b}|", 3),
            around in "[a-zA-Z!? ]{0,10} ",
        ) {
            let plain = cpf(root);
            prop_assume!(!plain.chars().all(|c| plain.starts_with(c)));
            let written: String =
                plain.chars().enumerate().flat_map(|(at, c)| {
                    let sign = if at > 0 && at % 3 == 0 { signs[at / 3 - 1].as_str() } else { "" };
                    sign.chars().chain([c]).collect::<Vec<_>>()
                }).collect();
            let text = format!("{around}CPF {written}");
            let shown = hidden(&text);
            prop_assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{} {}", text, shown);
        }

        #[test]
        fn hiding_keeps_the_length_and_everything_else(text in "([0-9]{1,5}|[ ./-]|[a-zé\n]|\\PC){0,60}") {
            let shown = hidden(&text);
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            for (before, after) in text.chars().zip(shown.chars()) {
                prop_assert!(before == after || after == HIDDEN_DIGIT);
            }
        }
    }
}
