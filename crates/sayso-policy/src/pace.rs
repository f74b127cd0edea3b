//! How long people take until they have looked: a window below that is consent by inattention.

use sayso_core::Period;

use crate::effort::Effort;
use crate::glob::Glob;
use crate::truth::Truth;

/// How many times people must have decided until that tells anything.
const ENOUGH: usize = 10;
/// How long people are thought to take where nothing tells.
const USUAL: Period = Period::from_secs(60);

/// How long people take until they have looked.
#[derive(Clone, Debug)]
pub enum Pace {
    /// So long, by the word of whoever asks.
    Said(Period),
    /// As long as they took before.
    Past(Vec<Took>),
}

/// How long people took once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Took {
    /// The tool it was about.
    pub tool: String,
    /// From when it was asked until the first of them said something.
    pub period: Period,
}

impl Default for Pace {
    fn default() -> Self {
        Self::Said(USUAL)
    }
}

impl Pace {
    /// How long people take over these tools, and how that is known: half of the times they took
    /// longer. Where they were asked about these too seldom, about whatever they were asked.
    pub(crate) fn over(&self, tools: &[Glob]) -> (Period, String) {
        let past = match self {
            Self::Said(said) => return (*said, format!("({said})")),
            Self::Past(past) => past,
        };
        let named = |tool: &str| {
            tools.iter().any(|glob| glob.test(tool, &mut Effort::for_name()) == Truth::Yes)
        };
        let of_these = past.iter().filter(|took| named(&took.tool)).map(|took| took.period);
        let all = past.iter().map(|took| took.period);
        if let Some((median, count)) = median(of_these.collect()) {
            return (
                median,
                format!("(half of {count} decisions on its tools took {median} or longer)"),
            );
        }
        match median(all.collect()) {
            Some((median, count)) => {
                (median, format!("(half of {count} decisions took {median} or longer)"))
            }
            None => (USUAL, format!("({USUAL})")),
        }
    }
}

/// The one in the middle, and of how many; none of too few.
fn median(mut periods: Vec<Period>) -> Option<(Period, usize)> {
    if periods.len() < ENOUGH {
        return None;
    }
    periods.sort_unstable();
    Some((periods[periods.len() / 2], periods.len()))
}
