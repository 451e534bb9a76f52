//! The part of the Lucene query language that Auth0's `q` parameters are written in, parsed. What the fields mean and
//! how they become SQL is [`super::filter`]'s.
//!
//! ```text
//! query := any            any  := all ("OR" all)*          all := not ("AND"? not)*
//! not   := ("NOT"|"-") not | "(" any ")" | [name ":"] value
//! value := word | "…" | prefix* | *suffix | *part* | > >= < <= word | [a TO b] | {a TO b} | "(" any ")"
//! ```

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// All of them hold.
    All(Vec<Clause>),
    /// One of them holds.
    Any(Vec<Clause>),
    /// It does not hold.
    Not(Box<Clause>),
    /// What a field holds; without a name, what any of the usual fields holds.
    Term(Option<String>, Test),
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It holds something: `_exists_:name`, `name:*`.
    Exists,
    /// It is this, begins with this (`this*`), ends with it (`*this`) or contains it (`*this*`).
    Matches {
        /// The text, without its stars.
        text: String,
        /// Whether anything may stand before it.
        open_start: bool,
        /// Whether anything may follow it.
        open_end: bool,
    },
    /// It is between two ends, each optional.
    Between(Option<End>, Option<End>),
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// As written.
    pub text: String,
    /// Whether the end itself belongs to the range.
    pub inclusive: bool,
}

/// More terms than this are refused: each binds up to two values, and D1 takes a hundred.
const MAX_TERMS: usize = 40;
/// Deeper nesting than this is refused: nobody writes it by hand, and parsing it is recursive.
const MAX_DEPTH: usize = 16;

/// Parses a query; `None` if it is empty.
///
/// # Errors
/// What is wrong with it, in words for the client.
pub fn parse(query: &str) -> Result<Option<Clause>, String> {
    let mut parser = Parser { rest: query.trim(), terms: 0, depth: 0 };
    if parser.rest.is_empty() {
        return Ok(None);
    }
    let clause = parser.any(None)?;
    if parser.rest.is_empty() {
        Ok(Some(clause))
    } else {
        Err(format!("q: unexpected `{}`", parser.next_letter()))
    }
}

struct Parser<'a> {
    rest: &'a str,
    terms: usize,
    depth: usize,
}

/// A letter that ends a bare word.
fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '(' | ')' | '"' | '[' | ']' | '{' | '}')
}

impl<'a> Parser<'a> {
    fn any(&mut self, field: Option<&str>) -> Result<Clause, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("q: nested more than {MAX_DEPTH} deep"));
        }
        let mut clauses = vec![self.all(field)?];
        while self.keyword("OR") {
            clauses.push(self.all(field)?);
        }
        self.depth -= 1;
        Ok(only(clauses, Clause::Any))
    }

    fn all(&mut self, field: Option<&str>) -> Result<Clause, String> {
        let mut clauses = vec![self.not(field)?];
        loop {
            let joined = self.keyword("AND");
            if !joined && (self.at_end() || self.sees_keyword("OR")) {
                return Ok(only(clauses, Clause::All));
            }
            clauses.push(self.not(field)?);
        }
    }

    fn not(&mut self, field: Option<&str>) -> Result<Clause, String> {
        let mut negated = false;
        while self.keyword("NOT") || self.symbol("-") {
            negated = !negated;
        }
        let clause = if self.symbol("(") { self.group(field)? } else { self.term(field)? };
        Ok(if negated { Clause::Not(Box::new(clause)) } else { clause })
    }

    fn group(&mut self, field: Option<&str>) -> Result<Clause, String> {
        let clause = self.any(field)?;
        if self.symbol(")") { Ok(clause) } else { Err("q: a parenthesis is not closed".to_owned()) }
    }

    fn term(&mut self, outer: Option<&str>) -> Result<Clause, String> {
        if self.at_end() || ["AND", "OR", "NOT"].into_iter().any(|word| self.sees_keyword(word)) {
            return Err("q: a term is missing".to_owned());
        }
        let name = self.field_name();
        if let (Some(_), Some(name)) = (outer, name) {
            return Err(format!("q: {name} cannot stand inside the parentheses of another field"));
        }
        if let Some(name) = name
            && self.rest.starts_with('(')
            && self.symbol("(")
        {
            return self.group(Some(name));
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(format!("q: more than {MAX_TERMS} terms"));
        }
        if name == Some("_exists_") {
            return Ok(Clause::Term(Some(self.word()?.text), Test::Exists));
        }
        Ok(Clause::Term(name.or(outer).map(str::to_owned), self.value()?))
    }

    /// The name before a colon, taken with the colon.
    fn field_name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|letter: char| ends_word(letter) || matches!(letter, ':' | '\\' | '*'))?;
        let (name, after) = self.rest.split_at_checked(end)?;
        let after = after.strip_prefix(':').filter(|_| !name.is_empty())?;
        self.rest = after;
        Some(name)
    }

    fn value(&mut self) -> Result<Test, String> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return Ok(Test::Matches { text: self.quoted()?, open_start: false, open_end: false });
        }
        for (open, inclusive) in [("[", true), ("{", false)] {
            if let Some(rest) = self.rest.strip_prefix(open) {
                self.rest = rest;
                return self.range(inclusive);
            }
        }
        for (sign, above, inclusive) in
            [(">=", true, true), ("<=", false, true), (">", true, false), ("<", false, false)]
        {
            if let Some(rest) = self.rest.strip_prefix(sign) {
                self.rest = rest;
                let end = End { text: self.word()?.text, inclusive };
                return Ok(if above {
                    Test::Between(Some(end), None)
                } else {
                    Test::Between(None, Some(end))
                });
            }
        }
        let Word { text, open_start, open_end } = self.word()?;
        if text.is_empty() { Ok(Test::Exists) } else { Ok(Test::Matches { text, open_start, open_end }) }
    }

    fn range(&mut self, from_inclusive: bool) -> Result<Test, String> {
        let from = self.end_text()?;
        if !self.keyword("TO") {
            return Err("q: a range is written [a TO b] or {a TO b}".to_owned());
        }
        let to = self.end_text()?;
        let to_inclusive = self.symbol("]");
        if !to_inclusive && !self.symbol("}") {
            return Err("q: a range is not closed".to_owned());
        }
        let end = |text: Option<String>, inclusive| text.map(|text| End { text, inclusive });
        Ok(Test::Between(end(from, from_inclusive), end(to, to_inclusive)))
    }

    /// One end of a range; `*` leaves it open.
    fn end_text(&mut self) -> Result<Option<String>, String> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.quoted().map(Some);
        }
        Ok(Some(self.word()?.text).filter(|text| !text.is_empty()))
    }

    /// A word up to the next space, parenthesis, bracket or quote. A backslash takes the next letter as it is; stars
    /// count at its ends only. A word of stars alone has no text.
    fn word(&mut self) -> Result<Word, String> {
        let mut word = Word { text: String::new(), open_start: false, open_end: false };
        let mut letters = self.rest.char_indices();
        let mut length = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                letter if ends_word(letter) => {
                    length = at;
                    break;
                }
                '*' if word.text.is_empty() => word.open_start = true,
                '*' => word.open_end = true,
                _ if word.open_end => return Err("q: a star may stand at the ends of a word only".to_owned()),
                '\\' => match letters.next() {
                    Some((_, escaped)) => word.text.push(escaped),
                    None => return Err("q: a backslash stands before the letter that it escapes".to_owned()),
                },
                letter => word.text.push(letter),
            }
        }
        if length == 0 {
            return Err("q: a value is missing".to_owned());
        }
        self.rest = self.rest.split_at_checked(length).map_or("", |(_, rest)| rest);
        Ok(word)
    }

    /// The rest of a quoted text, behind its opening quote.
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {
                    self.rest = letters.as_str();
                    return Ok(text);
                }
                '\\' => text.extend(letters.next()),
                letter => text.push(letter),
            }
        }
        Err("q: a quote is not closed".to_owned())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether nothing more belongs to this clause.
    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty() || self.rest.starts_with(')')
    }

    fn next_letter(&self) -> char {
        self.rest.chars().next().unwrap_or(' ')
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(symbol);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn sees_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let after = self.rest.strip_prefix(keyword);
        after.is_some_and(|after| after.chars().next().is_none_or(ends_word))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        self.sees_keyword(keyword) && self.symbol(keyword)
    }
}

/// A word with its stars taken off.
struct Word {
    text: String,
    open_start: bool,
    open_end: bool,
}

/// A list of one is that one.
fn only(mut clauses: Vec<Clause>, many: impl Fn(Vec<Clause>) -> Clause) -> Clause {
    match clauses.pop() {
        Some(clause) if clauses.is_empty() => clause,
        last => many(clauses.into_iter().chain(last).collect()),
    }
}
