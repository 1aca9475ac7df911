//! A gateway killed -9 under load (item 1).

use tests::kit::separate::{Separate, Setup};
use tests::kit::until;

use crate::crew::Crew;
use crate::history::{Absence, History};
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_killed_gateway_resume_on_another() {
    let mut schedule = Schedule::of("clients_of_a_killed_gateway_resume_on_another");
    let mut separate = Separate::start_with(Setup { gateways: 3, ..Setup::on("sqlite") });
    let crew = Crew::gather(&separate.place, by_length(6, 24), 3).await;
    let habits =
        Habits { listeners: by_length(24, 120), socket_writers: 6, churn: 40, ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    let mut last = None;
    for moment in schedule.moments(by_length(3, 20), 20..by_length(150, 3000)) {
        load.reaches(moment).await;
        // Not the one whose clients have just been spread over the others.
        let others: Vec<usize> = (0..3).filter(|one| last != Some(*one)).collect();
        let gateway = *schedule.dice.pick(&others);
        last = Some(gateway);
        let name = format!("gateway-{gateway}");
        let before = load.history.absences().len();
        tokio::task::block_in_place(|| separate.kill(&name));
        let away = until("its clients are back", async || back(&load.history, before)).await;
        let longest = away.iter().filter_map(|absence| absence.lasted).max().unwrap();
        schedule.say(&format!(
            "{name} killed after {moment} posts: {} clients back within {longest:?}",
            away.len()
        ));
        tokio::task::block_in_place(|| separate.run(&name));
    }
    let history = load.finish(&separate, &schedule).await;
    for absence in history.absences() {
        assert_eq!(absence.code, None, "a killed gateway says nothing");
        assert!(absence.lasted.is_some(), "{absence:?} is not over");
    }
}

/// The absences since then, once there are some and all are over.
fn back(history: &History, before: usize) -> Option<Vec<Absence>> {
    let absences = history.absences();
    let over = absences.iter().all(|absence| absence.lasted.is_some());
    (over && absences.len() > before).then(|| {
        let mut by_time = absences;
        by_time.sort_by_key(|absence| absence.from);
        by_time.split_off(before)
    })
}
