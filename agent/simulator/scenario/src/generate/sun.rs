//! Where the sun stands, what a clear sky lets through, and what arrives on a tilted roof.
//!
//! Sources: declination and equation of time: Spencer (1971), as in Duffie & Beckman, *Solar Engineering
//! of Thermal Processes*, eqs. 1.4.1, 1.5.3 and 1.6.1. Clear sky: Haurwitz (1945). Diffuse share: Erbs,
//! Klein & Duffie (1982). Tilted plane: isotropic sky of Liu & Jordan (1960).

use libm::{cos, exp, sin};
use std::f64::consts::PI;

/// Solar constant, W/m².
const SOLAR_CONSTANT: f64 = 1_361.0;
/// Share of light that the ground throws back.
const ALBEDO: f64 = 0.2;
/// Below this sine of the elevation (about 3°) the beam is dropped: the ratio of tilted to horizontal
/// beam grows without bound there.
const LOWEST_BEAM: f64 = 0.05;

/// Degrees to radians.
fn radians(degrees: f64) -> f64 {
    degrees * PI / 180.0
}

/// A place on Earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
}

/// The sun at one moment: its direction and the clear sky's light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sun {
    /// Sine of the elevation over the horizon.
    pub up: f64,
    /// Component of the direction towards the south.
    pub south: f64,
    /// Component of the direction towards the west.
    pub west: f64,
    /// Irradiance on a horizontal plane outside the atmosphere, W/m².
    pub extraterrestrial: f64,
    /// Global irradiance on a horizontal plane under a clear sky, W/m².
    pub clear_sky: f64,
}

impl Sun {
    /// The sun over a place, `day_of_year` from 1 and `utc_hours` since midnight UTC of that day.
    pub fn at(place: Place, day_of_year: u32, utc_hours: f64) -> Self {
        let b = 2.0 * PI * (f64::from(day_of_year) - 1.0 + utc_hours / 24.0) / 365.0;
        let declination = 0.006_918 - 0.399_912 * cos(b) + 0.070_257 * sin(b)
            - 0.006_758 * cos(2.0 * b)
            + 0.000_907 * sin(2.0 * b)
            - 0.002_697 * cos(3.0 * b)
            + 0.001_48 * sin(3.0 * b);
        let equation_of_time_min = 229.18
            * (0.000_075 + 0.001_868 * cos(b)
                - 0.032_077 * sin(b)
                - 0.014_615 * cos(2.0 * b)
                - 0.040_89 * sin(2.0 * b));
        let solar_hours = utc_hours + place.longitude / 15.0 + equation_of_time_min / 60.0;
        let hour_angle = radians(15.0 * (solar_hours - 12.0));
        let latitude = radians(place.latitude);

        let up =
            sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour_angle);
        let south =
            sin(latitude) * cos(declination) * cos(hour_angle) - cos(latitude) * sin(declination);
        let west = cos(declination) * sin(hour_angle);
        let distance = 1.0 + 0.033 * cos(2.0 * PI * f64::from(day_of_year) / 365.0);
        let (extraterrestrial, clear_sky) = if up > 0.0 {
            (
                SOLAR_CONSTANT * distance * up,
                1_098.0 * up * exp(-0.059 / up),
            )
        } else {
            (0.0, 0.0)
        };
        Self {
            up,
            south,
            west,
            extraterrestrial,
            clear_sky,
        }
    }

    /// True while the sun is over the horizon.
    pub fn is_up(&self) -> bool {
        self.up > 0.0
    }
}

/// A roof's plane, as its normal vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roof {
    up: f64,
    south: f64,
    west: f64,
}

impl Roof {
    /// A plane tilted by `tilt` degrees from the horizontal and facing `azimuth` degrees (0 south, 90
    /// west, −90 east).
    pub fn new(tilt: f64, azimuth: f64) -> Self {
        let (tilt, azimuth) = (radians(tilt), radians(azimuth));
        Self {
            up: cos(tilt),
            south: sin(tilt) * cos(azimuth),
            west: sin(tilt) * sin(azimuth),
        }
    }

    /// Irradiance on the plane, W/m², with `clear_sky_index` of the clear sky's light coming through.
    pub fn irradiance(&self, sun: &Sun, clear_sky_index: f64) -> f64 {
        if !sun.is_up() || sun.extraterrestrial <= 0.0 {
            return 0.0;
        }
        let global = sun.clear_sky * clear_sky_index;
        let diffuse = global * diffuse_share(global / sun.extraterrestrial);
        let beam = if sun.up > LOWEST_BEAM {
            let incidence = self.up * sun.up + self.south * sun.south + self.west * sun.west;
            (global - diffuse) * incidence.max(0.0) / sun.up
        } else {
            0.0
        };
        beam + diffuse * (1.0 + self.up) / 2.0 + global * ALBEDO * (1.0 - self.up) / 2.0
    }
}

/// Share of diffuse light at a clearness index (Erbs, Klein & Duffie 1982).
fn diffuse_share(clearness: f64) -> f64 {
    let k = clearness.clamp(0.0, 1.0);
    if k <= 0.22 {
        1.0 - 0.09 * k
    } else if k <= 0.8 {
        0.951_1 + k * (-0.160_4 + k * (4.388 + k * (-16.638 + k * 12.336)))
    } else {
        0.165
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Place = Place {
        latitude: 52.52,
        longitude: 13.40,
    };

    fn elevation(sun: &Sun) -> f64 {
        libm::asin(sun.up) * 180.0 / PI
    }

    fn highest(place: Place, day: u32) -> (f64, f64) {
        let mut best = (f64::MIN, 0.0);
        for minute in 0..1_440 {
            let hours = f64::from(minute) / 60.0;
            let e = elevation(&Sun::at(place, day, hours));
            if e > best.0 {
                best = (e, hours);
            }
        }
        best
    }

    /// Noon elevations follow 90° − latitude + declination; the solstices' declination is ±23.44°.
    #[test]
    fn noon_elevation_at_the_solstices_and_the_equinox() {
        for (day, expected) in [
            (172, 90.0 - 52.52 + 23.44),
            (355, 90.0 - 52.52 - 23.44),
            (80, 90.0 - 52.52),
        ] {
            let (e, _) = highest(BERLIN, day);
            assert!(
                (e - expected).abs() < 0.6,
                "day {day}: {e} instead of {expected}"
            );
        }
    }

    /// Solar noon of Berlin: 12:00 − longitude·4 min − equation of time (+16.4 min on 3 November,
    /// −14.2 min on 11 February).
    #[test]
    fn solar_noon_follows_longitude_and_the_equation_of_time() {
        for (day, minutes) in [(307, 16.4), (42, -14.2)] {
            let expected = 12.0 - 13.40 / 15.0 - minutes / 60.0;
            let (_, noon) = highest(BERLIN, day);
            assert!(
                (noon - expected).abs() < 0.05,
                "day {day}: {noon} instead of {expected}"
            );
        }
    }

    #[test]
    fn the_direction_is_a_unit_vector_and_moves_from_east_to_west() {
        for hour in 0..24 {
            let sun = Sun::at(BERLIN, 130, f64::from(hour));
            let length = sun.up * sun.up + sun.south * sun.south + sun.west * sun.west;
            assert!((length - 1.0).abs() < 1e-9, "length {length}");
        }
        assert!(Sun::at(BERLIN, 130, 6.0).west < 0.0);
        assert!(Sun::at(BERLIN, 130, 16.0).west > 0.0);
    }

    #[test]
    fn at_night_nothing_arrives() {
        let sun = Sun::at(BERLIN, 130, 0.0);
        assert!(!sun.is_up());
        assert_eq!(Roof::new(35.0, 0.0).irradiance(&sun, 1.0), 0.0);
    }

    #[test]
    fn a_flat_roof_sees_the_global_irradiance() {
        let sun = Sun::at(BERLIN, 172, 11.0);
        let flat = Roof::new(0.0, 0.0).irradiance(&sun, 0.8);
        assert!((flat - sun.clear_sky * 0.8).abs() < 1e-6);
        assert!(
            sun.clear_sky > 850.0 && sun.clear_sky < 1_000.0,
            "clear sky {}",
            sun.clear_sky
        );
    }

    #[test]
    fn an_east_roof_earns_in_the_morning_and_a_west_roof_in_the_afternoon() {
        let (east, west) = (Roof::new(35.0, -80.0), Roof::new(35.0, 80.0));
        let (morning, afternoon) = (Sun::at(BERLIN, 130, 6.5), Sun::at(BERLIN, 130, 15.5));
        assert!(east.irradiance(&morning, 1.0) > 2.0 * west.irradiance(&morning, 1.0));
        assert!(west.irradiance(&afternoon, 1.0) > 2.0 * east.irradiance(&afternoon, 1.0));
    }
}
