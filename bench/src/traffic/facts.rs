//! Made-up facts: texts that resemble each other as those of one author do, and
//! questions that one text alone answers.
//!
//! Each text has two names that no other has. A question names both, so its text
//! is the first hit or the search is wrong.

use std::ops::Range;

const CONSONANTS: &[u8; 15] = b"bdfghklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";
const SYLLABLES: usize = CONSONANTS.len() * VOWELS.len();
/// Names of four syllables. The first half are places, the second half people.
const NAMES: usize = SYLLABLES.pow(4);
/// How far apart the names of neighbours are, and which is the first. They have
/// no divisor in common with [`NAMES`], so that it takes that many to have one
/// again.
const STRIDE: usize = 7_919_993;
const FIRST: usize = 7_654_321;

const HOUSES: [&str; 12] = [
    "lighthouse",
    "library",
    "mill",
    "harbour",
    "observatory",
    "station",
    "bakery",
    "archive",
    "brewery",
    "theatre",
    "garden",
    "foundry",
];
const MATERIALS: [&str; 10] = [
    "basalt",
    "red brick",
    "oak",
    "white marble",
    "slate",
    "iron",
    "sandstone",
    "copper",
    "granite",
    "clay",
];
const TRADES: [&str; 11] = [
    "clockmaker",
    "weaver",
    "pilot",
    "botanist",
    "cartographer",
    "blacksmith",
    "printer",
    "beekeeper",
    "surveyor",
    "baker",
    "glazier",
];
const GOODS: [&str; 13] = [
    "lamp oil",
    "old sea charts",
    "wool",
    "seed potatoes",
    "organ pipes",
    "dried herring",
    "copper wire",
    "ledgers",
    "brass bells",
    "tobacco",
    "rope",
    "quartz lenses",
    "honey",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
/// Sentences of a text besides the two with the names.
const DETAILS: usize = 4;

/// The facts of one text, by its number.
#[derive(Clone, Copy)]
pub(super) struct Fact(pub(super) usize);

impl Fact {
    /// The text: some 120 tokens, so that it is one chunk.
    pub(super) fn text(self) -> String {
        let mut text = format!(
            "The {} of {} was built in {} by order of the council. Its keeper, {}, was a {} before \
             and has been there for {} years.",
            self.house(),
            self.place(),
            self.number(1600..1900, 22),
            self.keeper(),
            self.of(&TRADES, 2),
            self.number(2..42, 3),
        );
        let details = self.details();
        let first = self.number(0..details.len(), 21);
        for step in 0..DETAILS {
            text.push(' ');
            text.push_str(&details[(first + 3 * step) % details.len()]);
        }
        text
    }

    /// A question that it answers, one of three.
    pub(super) fn question(self, form: usize) -> String {
        let (house, place, keeper) = (self.house(), self.place(), self.keeper());
        match form % 3 {
            0 => format!("How long has {keeper} been the keeper of the {house} of {place}?"),
            1 => format!("What was {keeper} before keeping the {house} of {place}?"),
            _ => format!("When was the {house} of {place}, which {keeper} keeps, built?"),
        }
    }

    fn details(self) -> [String; 7] {
        [
            format!(
                "The walls are of {}, and the roof was made anew after the storm of {}.",
                self.of(&MATERIALS, 4),
                self.number(1900..1980, 5)
            ),
            format!(
                "In the cellar of the {} are {} crates of {}, which nobody has asked for since.",
                self.house(),
                self.number(20..920, 6),
                self.of(&GOODS, 7)
            ),
            format!(
                "Visitors are let in on {} and pay {} coins, children half of that.",
                self.of(&DAYS, 8),
                self.number(1..31, 9)
            ),
            format!(
                "A {} from the next valley comes every {} weeks to look after the {}.",
                self.of(&TRADES, 10),
                self.number(2..13, 11),
                self.of(&GOODS, 12)
            ),
            format!(
                "When the river rises above {} metres, the bell is rung {} times and the doors of \
                 {} are shut.",
                self.number(2..11, 13),
                self.number(3..23, 14),
                self.of(&MATERIALS, 15)
            ),
            format!(
                "The oldest thing in the house is a box of {} that a {} left behind in {}.",
                self.of(&GOODS, 16),
                self.of(&TRADES, 17),
                self.number(1700..1850, 18)
            ),
            format!(
                "Letters for {} go by the {} boat and take {} days.",
                self.place(),
                self.of(&DAYS, 19),
                self.number(2..16, 20)
            ),
        ]
    }

    fn house(self) -> &'static str {
        self.of(&HOUSES, 1)
    }

    fn place(self) -> String {
        name(self.0)
    }

    fn keeper(self) -> String {
        name(self.0 + NAMES / 2)
    }

    fn of(self, list: &[&'static str], salt: u64) -> &'static str {
        list[self.number(0..list.len(), salt)]
    }

    /// A number in `range` that looks like chance, another one for each `salt`.
    fn number(self, range: Range<usize>, salt: u64) -> usize {
        // The mixing of SplitMix64.
        let mut mixed = (self.0 as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(salt.wrapping_mul(0xBF58_476D_1CE4_E5B9));
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 33;
        let below = mixed % range.len() as u64;
        range.start + usize::try_from(below).expect("it is below a `usize`")
    }
}

fn name(number: usize) -> String {
    let mut rest = (number % NAMES * STRIDE + FIRST) % NAMES;
    let mut letters = [0_u8; 8];
    for pair in letters.chunks_exact_mut(2) {
        let syllable = rest % SYLLABLES;
        rest /= SYLLABLES;
        pair[0] = CONSONANTS[syllable / VOWELS.len()];
        pair[1] = VOWELS[syllable % VOWELS.len()];
    }
    letters[0].make_ascii_uppercase();
    letters.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_comes_twice() {
        let facts = 0..20_000;
        let mut names = facts.flat_map(|number| [Fact(number).place(), Fact(number).keeper()]);
        let mut seen = HashSet::new();
        assert!(names.all(|name| seen.insert(name)));
    }

    #[test]
    fn questions_name_what_their_text_names() {
        let fact = Fact(7);
        let text = fact.text();
        for form in 0..3 {
            let question = fact.question(form);
            assert!(question.contains(&fact.place()) && text.contains(&fact.place()));
            assert!(question.contains(&fact.keeper()) && text.contains(&fact.keeper()));
        }
    }
}
