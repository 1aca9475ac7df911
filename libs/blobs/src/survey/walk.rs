//! A walk through a file: what is to be looked at, what was found last first, and an end to it.

use crate::not_an_image::NotAnImage;

/// What is still to be looked at.
#[derive(Debug)]
pub(super) struct Walk<Task> {
    tasks: Vec<Task>,
    steps: usize,
    most: usize,
}

impl<Task> Walk<Task> {
    /// Begins with something, and looks at so many things at most.
    pub(super) fn from(first: Task, most: usize) -> Self {
        Self { tasks: vec![first], steps: 0, most }
    }

    /// What is looked at next.
    pub(super) fn ahead(&self) -> Option<&Task> {
        self.tasks.last()
    }

    /// Looks at something, before everything that is still to be looked at.
    pub(super) fn push(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// Takes what is next.
    ///
    /// # Errors
    /// [`NotAnImage`]: too much was looked at, or is to be. The file is made to be looked at for ever.
    pub(super) fn step(&mut self) -> Result<Option<Task>, NotAnImage> {
        let Some(task) = self.tasks.pop() else { return Ok(None) };
        self.steps += 1;
        let is_endless = self.steps > self.most || self.tasks.len() > self.most;
        if is_endless { Err(NotAnImage) } else { Ok(Some(task)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_last_is_looked_at_first_and_there_is_an_end() {
        let mut walk = Walk::from(1, 4);
        assert_eq!(walk.step(), Ok(Some(1)));
        walk.push(2);
        walk.push(3);
        assert_eq!(walk.ahead(), Some(&3));
        assert_eq!((walk.step(), walk.step(), walk.step()), (Ok(Some(3)), Ok(Some(2)), Ok(None)));
        walk.push(4);
        walk.push(5);
        assert_eq!((walk.step(), walk.step()), (Ok(Some(5)), Err(NotAnImage)), "the fifth step");
        let mut walk = Walk::from(0, 4);
        (1..=5).for_each(|task| walk.push(task));
        assert_eq!(walk.step(), Err(NotAnImage), "five wait");
    }
}
