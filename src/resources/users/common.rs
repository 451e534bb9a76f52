//! Passwords that are tried first. Pure.

/// One to a line and sorted, behind the lines that say where they come from: see there.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password without its usual disguises: capitals, digits and signs around it, `@` for `a` and the like.
pub fn undisguised(text: &str) -> String {
    let lower = text.to_lowercase();
    lower
        .trim_matches(|letter: char| !letter.is_alphabetic() && !matches!(letter, '@' | '$'))
        .chars()
        .map(|letter| match letter {
            '@' | '4' => 'a',
            '$' | '5' => 's',
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '7' => 't',
            letter => letter,
        })
        .collect()
}

/// Whether a password is one of those tried first, disguised or not.
pub fn is_common(text: &str) -> bool {
    is_listed(&text.to_lowercase()) || is_listed(&undisguised(text))
}

/// What a password repeats, if it does nothing else: `123` of `123123123`, `password` of `password Password`. What is
/// neither letter nor digit does not count.
pub fn repeated(text: &str) -> Option<String> {
    let letters: Vec<char> =
        text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let repeats = |size: &usize| {
        letters.len().is_multiple_of(*size)
            && letters.iter().zip(letters.iter().skip(*size)).all(|(left, right)| left == right)
    };
    let size = (1..=letters.len() / 2).find(repeats)?;
    Some(letters.iter().take(size).collect())
}

/// Looks a word up by halves.
fn is_listed(word: &str) -> bool {
    let mut rest = COMMON;
    while !rest.is_empty() {
        let middle = (0..=rest.len() / 2).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or_default();
        let (before, after) = rest.split_at(middle);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(rest.len(), |at| middle + at);
        let line = rest.get(start..end).unwrap_or_default();
        // What says where the list comes from stands before all of it.
        match if line.starts_with('#') { std::cmp::Ordering::Less } else { line.cmp(word) } {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = rest.get(end + 1..).unwrap_or_default(),
            std::cmp::Ordering::Greater => rest = rest.get(..start).unwrap_or_default(),
        }
    }
    false
}
