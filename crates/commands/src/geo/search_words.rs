//! What GEOSEARCH, GEORADIUS and their kin ask for.

use super::place;
use exec::{Args, Error};
use types::SortedSet;
use types::geo::{Area, Point, Shape};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// GEORADIUS, GEORADIUSBYMEMBER: the area stands at fixed places; may store.
    Radius,
    /// Their forms that only read.
    RadiusReadOnly,
    Search,
    SearchStore,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Ascending,
    Descending,
}

#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) with_coord: bool,
    pub(super) with_dist: bool,
    pub(super) with_hash: bool,
    /// None: all.
    pub(super) count: Option<usize>,
    pub(super) any: bool,
    pub(super) order: Option<Order>,
    /// The word that names where to store.
    pub(super) store_at: Option<usize>,
    pub(super) store_distance: bool,
    middle: Option<Middle>,
    shape: Option<Shape>,
    /// Metres of the unit in which distances are told.
    pub(super) unit: f64,
}

#[derive(Debug)]
enum Middle {
    Known(Point),
    /// Of a member; the key is not there.
    Nowhere,
}

const UNDECODABLE: Error = Error::Static("ERR could not decode requested zset member");

impl Words {
    /// GEORADIUS: longitude and latitude at word 2; GEORADIUSBYMEMBER: the member.
    pub(super) fn parse_radius(
        args: &Args,
        by_member: bool,
        set: Option<&SortedSet>,
        dialect: Dialect,
    ) -> Result<Words, Error> {
        let mut words = Words::default();
        let at = if by_member { 3 } else { 4 };
        if by_member {
            words.around_member(set, args.get(2))?;
        } else {
            words.middle = Some(Middle::Known(place::point(args, 2)?));
        }
        // Without the member's set Redis does not look at the circle.
        if !(by_member && set.is_none()) {
            words.circle(args, at)?;
        }
        words.parse_options(args, at + 2, set, dialect)?;
        Ok(words)
    }

    /// GEOSEARCH: words in any order from `at` on.
    pub(super) fn parse_search(
        args: &Args,
        at: usize,
        set: Option<&SortedSet>,
        dialect: Dialect,
    ) -> Result<Words, Error> {
        let mut words = Words::default();
        words.parse_options(args, at, set, dialect)?;
        let is_polygon = matches!(words.shape, Some(Shape::Polygon { .. }));
        if is_polygon && words.middle.is_some() {
            // The corners say where the middle is.
            return Err(Error::Syntax);
        }
        if words.middle.is_none() && !is_polygon {
            let name = args.text(0);
            return Err(Error::err(format_args!(
                "exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}"
            )));
        }
        if words.shape.is_none() {
            let name = args.text(0);
            return Err(Error::err(format_args!("exactly one of BYRADIUS and BYBOX can be specified for {name}")));
        }
        Ok(words)
    }

    fn parse_options(
        &mut self,
        args: &Args,
        mut i: usize,
        set: Option<&SortedSet>,
        dialect: Dialect,
    ) -> Result<(), Error> {
        let searches = matches!(dialect, Dialect::Search | Dialect::SearchStore);
        while i < args.len() {
            let left = args.len() - i - 1;
            let is = |word| args.is(i, word);
            if is("WITHDIST") {
                self.with_dist = true;
            } else if is("WITHHASH") {
                self.with_hash = true;
            } else if is("WITHCOORD") {
                self.with_coord = true;
            } else if is("ANY") {
                self.any = true;
            } else if is("ASC") {
                self.order = Some(Order::Ascending);
            } else if is("DESC") {
                self.order = Some(Order::Descending);
            } else if is("COUNT") && left >= 1 {
                let count = usize::try_from(args.int(i + 1)?).ok().filter(|&count| count > 0);
                self.count = Some(count.ok_or(Error::Static("ERR COUNT must be > 0"))?);
                i += 1;
            } else if dialect == Dialect::Radius
                && left >= 1
                && self.store_at.is_none()
                && (is("STORE") || is("STOREDIST"))
            {
                self.store_distance = is("STOREDIST");
                self.store_at = Some(i + 1);
                i += 1;
            } else if dialect == Dialect::SearchStore && is("STOREDIST") {
                self.store_distance = true;
            } else if searches && left >= 1 && self.middle.is_none() && is("FROMMEMBER") {
                self.around_member(set, args.get(i + 1))?;
                i += 1;
            } else if searches && left >= 2 && self.middle.is_none() && is("FROMLONLAT") {
                self.middle = Some(Middle::Known(place::point(args, i + 1)?));
                i += 2;
            } else if searches && left >= 2 && self.shape.is_none() && is("BYRADIUS") {
                self.circle(args, i + 1)?;
                i += 2;
            } else if searches && left >= 3 && self.shape.is_none() && is("BYBOX") {
                self.rectangle(args, i + 1)?;
                i += 3;
            } else if searches && left >= 1 && self.shape.is_none() && is("BYPOLYGON") {
                i += 1 + 2 * self.polygon(args, i + 1)?;
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        let with_more = self.with_dist || self.with_hash || self.with_coord;
        if with_more && (self.store_at.is_some() || dialect == Dialect::SearchStore) {
            let what = if dialect == Dialect::SearchStore { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            const TEXT: &str = "is not compatible with WITHDIST, WITHHASH and WITHCOORD options";
            return Err(Error::err(format_args!("{what} {TEXT}")));
        }
        if self.any && self.count.is_none() {
            return Err(Error::Static("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    fn around_member(&mut self, set: Option<&SortedSet>, member: &[u8]) -> Result<(), Error> {
        self.middle = Some(match set {
            Some(set) => Middle::Known(place::of_member(set, member).ok_or(UNDECODABLE)?),
            None => Middle::Nowhere,
        });
        Ok(())
    }

    fn circle(&mut self, args: &Args, i: usize) -> Result<(), Error> {
        let radius = place::length(args, i, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(Error::Static("ERR radius cannot be negative"));
        }
        self.unit = place::unit(args, i + 1)?;
        self.shape = Some(Shape::Circle { radius: radius * self.unit });
        Ok(())
    }

    fn rectangle(&mut self, args: &Args, i: usize) -> Result<(), Error> {
        let width = place::length(args, i, "ERR need numeric width")?;
        let height = place::length(args, i + 1, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(Error::Static("ERR height or width cannot be negative"));
        }
        self.unit = place::unit(args, i + 2)?;
        self.shape = Some(Shape::Box { width: width * self.unit, height: height * self.unit });
        Ok(())
    }

    /// The number of corners at word `i`, the corners behind it. Distances are told in metres.
    fn polygon(&mut self, args: &Args, i: usize) -> Result<usize, Error> {
        let count = usize::try_from(args.int(i)?).unwrap_or(0);
        if count < 3 {
            return Err(Error::Static("ERR BYPOLYGON must have at least 3 vertices"));
        }
        if count > (args.len() - i - 1) / 2 {
            return Err(Error::Syntax);
        }
        let corners = (0..count).map(|corner| place::point(args, i + 1 + 2 * corner)).collect::<Result<_, _>>()?;
        (self.unit, self.shape) = (1.0, Some(Shape::Polygon { corners }));
        Ok(count)
    }

    /// None when there is nothing to search in.
    pub(super) fn area(&self) -> Option<Area> {
        match (&self.middle, &self.shape) {
            (_, Some(Shape::Polygon { corners })) => Some(Area::polygon(corners.clone())),
            (Some(Middle::Known(middle)), Some(shape)) => Some(Area { middle: *middle, shape: shape.clone() }),
            _ => None,
        }
    }
}
