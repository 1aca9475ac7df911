//! The values of a process on `/metrics`.

use tests::kit::until;

/// The metrics of a process at one time.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks a process for them.
    pub(crate) async fn of(url: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        // Beside thousands of sockets a request's head may be sent so late that the process does not wait for it.
        let what = format!("{url} tells its metrics");
        let told = until(&what, async || {
            let answer = client.get(format!("{url}/metrics")).send().await.ok()?;
            assert_eq!(answer.status().as_u16(), 200);
            answer.text().await.ok()
        });
        Self(told.await)
    }

    /// The sum of a family's samples that have all these labels; 0 when there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &str| {
            let (family, rest) = sample.split_once('{').unwrap_or((sample, ""));
            let has =
                |(label, value): &(&str, &str)| rest.contains(&format!("{label}=\"{value}\""));
            family == name && labels.iter().all(has)
        };
        let samples = self.0.lines().filter(|line| !line.starts_with('#'));
        let values = samples.filter_map(|line| line.rsplit_once(' '));
        values
            .filter(|(sample, _)| fits(sample))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }
}

#[test]
fn samples_are_summed_by_name_and_labels() {
    let text =
        "# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"1\",y=\"3\"} 4\nab_total 9\n";
    let metrics = Metrics(text.to_owned());
    assert!((metrics.sum("a_total", &[("x", "1")]) - 7.0).abs() < 0.1);
    assert!((metrics.sum("a_total", &[("y", "3")]) - 4.0).abs() < 0.1);
    assert!(metrics.sum("b_total", &[]).abs() < 0.1);
}
