//! Rates and orders of the network model.

use super::*;
use crate::scenario::Latency;

fn model() -> scenario::Network {
    scenario::Network {
        latency: Latency::Constant(Duration::from_millis(10)),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        reorder_delay: Duration::ZERO,
        bandwidth: None,
        frame_limit: 65_535,
        channel_life: None,
        crash_notice: None,
        heals: false,
        drift_ppm: 0.0,
    }
}

fn connected(model: &scenario::Network) -> (Network, End) {
    let mut network = Network::new(model, &Script::default(), 1, 3);
    let (end, stands) = network.dial(Time::ZERO, 0, ChannelId(2), Some(1));
    assert_eq!(stands, Ok(Time(20_000)), "one round trip");
    network.open(Time(20_000), end, ChannelId(1));
    (network, end)
}

#[test]
fn a_packet_takes_the_latency_of_its_pair() {
    let (mut network, end) = connected(&model());
    let passage = network.send(Time(50_000), end, 100);
    assert_eq!(
        passage,
        Passage {
            first: Some(Time(60_000)),
            second: None
        }
    );
}

#[test]
fn loss_and_duplication_come_at_their_rates() {
    let mut model = model();
    (model.loss, model.duplicate) = (0.0, 0.1);
    let (mut network, end) = connected(&model);
    network.model.loss = 0.2;
    let passages: Vec<Passage> = (0..10_000)
        .map(|i| network.send(Time(i), end, 100))
        .collect();
    let lost = passages
        .iter()
        .filter(|passage| passage.first.is_none())
        .count();
    let doubled = passages
        .iter()
        .filter(|passage| passage.second.is_some())
        .count();
    assert!((1_850..2_150).contains(&lost), "{lost} lost");
    assert!(
        (700..900).contains(&doubled),
        "{doubled} doubled, of 8,000 that came"
    );
}

#[test]
fn only_held_back_packets_are_overtaken() {
    let mut model = model();
    (model.jitter, model.reorder) = (Duration::from_millis(5), 0.1);
    model.reorder_delay = Duration::from_millis(50);
    let (mut network, end) = connected(&model);
    let arrivals: Vec<u64> = (0..1_000)
        .filter_map(|i| network.send(Time(i * 1_000), end, 100).first)
        .map(|t| t.0)
        .collect();
    let overtaken = arrivals.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((60..110).contains(&overtaken), "{overtaken} overtaken");
    network.model.reorder = 0.0;
    let arrivals: Vec<u64> = (0..1_000)
        .filter_map(|i| network.send(Time(i * 1_000), end, 100).first)
        .map(|t| t.0)
        .collect();
    assert!(arrivals.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn bandwidth_lines_packets_up() {
    let mut model = model();
    model.bandwidth = Some(10_000);
    let (mut network, end) = connected(&model);
    let arrivals: Vec<Option<Time>> = (0..3)
        .map(|_| network.send(Time(0), end, 1_000).first)
        .collect();
    assert_eq!(
        arrivals,
        [
            Some(Time(110_000)),
            Some(Time(210_000)),
            Some(Time(310_000))
        ]
    );
    let back = network.send(Time(0), end.other(), 1_000).first;
    assert_eq!(back, Some(Time(110_000)), "the other direction is free");
}

#[test]
fn dead_addresses_and_partitions_fail_a_dial_late() {
    let mut network = Network::new(&model(), &Script::default(), 1, 3);
    let (_, stands) = network.dial(Time::ZERO, 0, ChannelId(2), None);
    assert_eq!(stands, Err(Time(10_000_000)));
    network.disturbance().partition([1].into(), false);
    let (_, stands) = network.dial(Time::ZERO, 0, ChannelId(4), Some(1));
    assert_eq!(stands, Err(Time(10_000_000)));
}

#[test]
fn closed_ends_are_forgotten_and_their_names_stay_harmless() {
    let (mut network, end) = connected(&model());
    network.close(end);
    assert!(network.side(end.other()).is_some(), "half open");
    network.close(end.other());
    assert!(network.side(end).is_none());
    let (again, _) = network.dial(Time::ZERO, 2, ChannelId(2), Some(1));
    assert!(network.side(end).is_none() && network.side(again).is_some());
    assert_eq!(network.send(Time::ZERO, end, 10), Passage::default());
}

#[test]
fn a_farewell_does_not_overtake_packets() {
    let mut model = model();
    model.bandwidth = Some(1_000);
    let (mut network, end) = connected(&model);
    let packet = network.send(Time(0), end, 1_000).first;
    assert_eq!(network.farewell(Time(1), end), packet);
}
