//! Which spans are handed to the collector.

use opentelemetry::trace::{Link, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    ParentBasedSampler, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};

/// The sampler of a process that begins so much of its traces (0 to 1): what continues a trace follows the decision of
/// its parent, what came of other traces later follows theirs.
pub(crate) fn sampler(ratio: f64) -> ParentBasedSampler {
    ParentBasedSampler::new(Root { begun: Sampler::TraceIdRatioBased(ratio) })
}

/// Decides for spans without a parent.
#[derive(Debug, Clone)]
struct Root {
    /// For those that nothing led to.
    begun: Sampler,
}

impl ShouldSample for Root {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if links.is_empty() {
            return self.begun.should_sample(parent, trace_id, name, kind, attributes, links);
        }
        let sampled = links.iter().any(|link| link.span_context.is_sampled());
        let decision =
            if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags};

    use super::*;

    fn context(flags: TraceFlags) -> SpanContext {
        let (trace, span) = (TraceId::from(7), SpanId::from(7));
        SpanContext::new(trace, span, flags, true, TraceState::default())
    }

    /// Whether a sampler takes a span with this parent and these links.
    fn takes(ratio: f64, parent: Option<TraceFlags>, links: &[TraceFlags]) -> bool {
        let parent = parent.map_or_else(Context::new, |flags| {
            Context::new().with_remote_span_context(context(flags))
        });
        let links: Vec<Link> =
            links.iter().map(|flags| Link::new(context(*flags), Vec::new(), 0)).collect();
        let (id, kind) = (TraceId::from(u128::MAX / 2), SpanKind::Internal);
        let result = sampler(ratio).should_sample(Some(&parent), id, "x", &kind, &[], &links);
        result.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn a_parent_decides_then_links_then_the_ratio() {
        let (on, off) = (TraceFlags::SAMPLED, TraceFlags::default());
        for ratio in [0.0, 1.0] {
            assert!(takes(ratio, Some(on), &[]) && takes(ratio, Some(on), &[off]));
            assert!(!takes(ratio, Some(off), &[]) && !takes(ratio, Some(off), &[on]));
            assert!(takes(ratio, None, &[off, on]) && !takes(ratio, None, &[off]));
        }
        assert!(takes(1.0, None, &[]) && !takes(0.0, None, &[]));
    }

    #[test]
    fn a_ratio_takes_about_so_many_traces() {
        let sampler = sampler(0.25);
        let taken = (1_u128..=4_000).filter(|number| {
            // Spread over all ids there are, as random ones are.
            let id = TraceId::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let kind = SpanKind::Internal;
            let result = sampler.should_sample(Some(&Context::new()), id, "x", &kind, &[], &[]);
            result.decision == SamplingDecision::RecordAndSample
        });
        let taken = taken.count();
        assert!((800..=1_200).contains(&taken), "{taken} of 4000");
    }
}
