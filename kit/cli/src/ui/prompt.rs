use crate::failure::Failure;

/// Asks a person. Commands ask through this trait, so that a test can answer.
pub(crate) trait Prompt {
    /// A line of text, checked by `valid`.
    fn text(
        &mut self,
        question: &str,
        default: &str,
        valid: fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure>;

    /// One of `options` (name, explanation); returns its index.
    fn choice(&mut self, question: &str, options: &[(&str, &str)]) -> Result<usize, Failure>;
}

/// A person at a terminal.
#[derive(Debug)]
pub(crate) struct Terminal;

impl Prompt for Terminal {
    fn text(
        &mut self,
        question: &str,
        default: &str,
        valid: fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        cliclack::input(question)
            .default_input(default)
            .validate(move |answer: &String| valid(answer))
            .interact()
            .map_err(|error| cancelled(&error))
    }

    fn choice(&mut self, question: &str, options: &[(&str, &str)]) -> Result<usize, Failure> {
        let mut select = cliclack::select(question);
        for (index, (name, explanation)) in options.iter().enumerate() {
            select = select.item(index, name, explanation);
        }
        select.interact().map_err(|error| cancelled(&error))
    }
}

fn cancelled(error: &std::io::Error) -> Failure {
    Failure::new("RW-CLI-003", format!("no answer was given: {error}"))
        .help("pass the answers as flags, or --yes for the defaults")
}

/// Answers from a list, in order; for tests.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) answers: std::collections::VecDeque<String>,
    pub(crate) asked: Vec<String>,
}

#[cfg(test)]
impl Scripted {
    pub(crate) fn new(answers: &[&str]) -> Self {
        Self {
            answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
            asked: Vec::new(),
        }
    }

    fn next(&mut self, question: &str) -> String {
        self.asked.push(question.to_owned());
        self.answers
            .pop_front()
            .unwrap_or_else(|| panic!("no answer to: {question}"))
    }
}

#[cfg(test)]
impl Prompt for Scripted {
    fn text(
        &mut self,
        question: &str,
        default: &str,
        valid: fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let answer = self.next(question);
        let answer = if answer.is_empty() {
            default.to_owned()
        } else {
            answer
        };
        valid(&answer).map_err(Failure::usage)?;
        Ok(answer)
    }

    fn choice(&mut self, question: &str, options: &[(&str, &str)]) -> Result<usize, Failure> {
        let answer = self.next(question);
        Ok(options
            .iter()
            .position(|(name, _)| *name == answer)
            .unwrap_or_else(|| panic!("{answer} is no option")))
    }
}
