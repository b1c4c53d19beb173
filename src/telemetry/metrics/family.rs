//! Families of samples in the form that the `prometheus` crate writes as text.

use std::collections::BTreeMap;

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram as Buckets, LabelPair, Metric, MetricFamily, MetricType,
};

use super::Histogram;

/// Label names and values, in the order in which they are shown.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// One metric while it is put together. Samples with the same labels are summed.
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    samples: BTreeMap<Vec<(String, String)>, Sample>,
}

#[derive(Default)]
struct Sample {
    value: f64,
    /// For histograms: bounds, and counts that are not cumulative.
    bounds: &'static [f64],
    counts: Vec<u64>,
}

impl Family {
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind: MetricType::COUNTER,
            samples: BTreeMap::new(),
        }
    }

    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind: MetricType::GAUGE,
            samples: BTreeMap::new(),
        }
    }

    pub(super) fn histogram(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind: MetricType::HISTOGRAM,
            samples: BTreeMap::new(),
        }
    }

    fn sample(&mut self, labels: Labels<'_>) -> &mut Sample {
        let labels = labels
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.samples.entry(labels).or_default()
    }

    pub(super) fn add(&mut self, labels: Labels<'_>, value: f64) {
        self.sample(labels).value += value;
    }

    pub(super) fn observe(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let sample = self.sample(labels);
        sample.value += histogram.seconds();
        sample.bounds = histogram.bounds();
        sample.counts.resize(sample.bounds.len() + 1, 0);
        for (sum, count) in sample.counts.iter_mut().zip(histogram.counts()) {
            *sum += count;
        }
    }

    /// None when there is no sample: the text format has no family without one.
    pub(super) fn build(self) -> Option<MetricFamily> {
        if self.samples.is_empty() {
            return None;
        }
        let kind = self.kind;
        let metrics = self
            .samples
            .into_iter()
            .map(|(labels, sample)| metric(kind, labels, &sample))
            .collect();
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        Some(family)
    }
}

fn metric(kind: MetricType, labels: Vec<(String, String)>, sample: &Sample) -> Metric {
    let pair = |(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name(name);
        pair.set_value(value);
        pair
    };
    let mut metric = Metric::from_label(labels.into_iter().map(pair).collect());
    match kind {
        MetricType::COUNTER => {
            let mut counter = Counter::default();
            counter.set_value(sample.value);
            metric.set_counter(counter);
        }
        MetricType::HISTOGRAM => metric.set_histogram(buckets(sample)),
        _ => {
            let mut gauge = Gauge::default();
            gauge.set_value(sample.value);
            metric.set_gauge(gauge);
        }
    }
    metric
}

fn buckets(sample: &Sample) -> Buckets {
    let mut so_far = 0;
    let cumulative = sample.bounds.iter().zip(&sample.counts).map(|(&bound, count)| {
        so_far += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(so_far);
        bucket
    });
    let mut histogram = Buckets::default();
    histogram.set_bucket(cumulative.collect());
    histogram.set_sample_count(sample.counts.iter().sum());
    histogram.set_sample_sum(sample.value);
    histogram
}
