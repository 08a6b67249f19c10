//! How figures are told: ratios of the same round, as median, lowest and highest.

pub enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

pub fn ratio(what: &str, of: &[f64], to: &[f64], aim: Aim) {
    let mut ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    ratios.sort_by(f64::total_cmp);
    let spread = format!("{:.2} to {:.2}", ratios[0], ratios[ratios.len() - 1]);
    tell(what, median(&ratios), "", aim, &spread);
}

pub fn figure(what: &str, value: f64, unit: &str, aim: Aim) {
    tell(what, value, unit, aim, "");
}

fn tell(what: &str, value: f64, unit: &str, aim: Aim, spread: &str) {
    let (aim, held) = match aim {
        Aim::AtLeast(aim) => (format!("≥ {aim}"), value >= aim),
        Aim::AtMost(aim) => (format!("≤ {aim}"), value <= aim),
    };
    let missed = if held { "" } else { "  MISSED" };
    let spread = if spread.is_empty() { String::new() } else { format!("; {spread}") };
    let padding = " ".repeat(58usize.saturating_sub(what.chars().count()));
    println!("{what}{padding} {value:>9.2} {unit:<3} (aim {aim}{spread}){missed}");
}

pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
