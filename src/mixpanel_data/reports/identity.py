"""Whose event an event is: Mixpanel's two ways to merge ids, or a table of them.

Sources: https://docs.mixpanel.com/docs/tracking-methods/id-management/identifying-users-simplified
and …/identifying-users-original.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import event_property

Rules = Literal["stored", "simplified", "original", "mapping"]
Expression = sa.ColumnElement[Any]

DEVICE_PREFIX = "$device:"


@dataclass(frozen=True)
class Identity:
    """A rule that resolves the ids of events to people.

    *lookup* has the columns ``id`` and ``person``. It is looked up by the distinct_id, under the
    simplified rules by the device.
    """

    rules: Rules
    lookup: sa.FromClause | None = None

    def join(self, table: sa.FromClause) -> sa.FromClause:
        """Return the table, joined to what resolves its ids."""
        if self.lookup is None:
            return table
        return table.outerjoin(self.lookup, self.lookup.c.id == self._key(table))

    def user(self, table: sa.FromClause) -> Expression:
        """Return the person of an event."""
        if self.lookup is None:
            return table.c.distinct_id
        if self.rules == "simplified":
            return sa.func.coalesce(_user_id(table), self.lookup.c.person, table.c.distinct_id)
        return sa.func.coalesce(self.lookup.c.person, table.c.distinct_id)

    def mappings(self, table: sa.FromClause) -> sa.Select[Any]:
        """Return a select of distinct_id and resolved_distinct_id, of all ids that are known.

        The ids of the table's events, and those that only the rules know. An id is there more than
        once where its events belong to several people.
        """
        person = self.user(table)
        seen = sa.select(
            table.c.distinct_id.label("distinct_id"), person.label("resolved_distinct_id")
        ).select_from(self.join(table))
        parts = [seen.where(table.c.distinct_id != "")]
        if self.lookup is not None:
            known: Expression = self.lookup.c.id
            if self.rules == "simplified":
                known = sa.literal(DEVICE_PREFIX).concat(known)
                user = _user_id(table)
                parts.append(sa.select(user, user).where(user.is_not(None)))
            person = self.lookup.c.person
            parts.append(sa.select(known, person).where(person.is_not(None)))
        rows = sa.union(*parts).subquery("mappings")
        return sa.select(rows.c.distinct_id, rows.c.resolved_distinct_id).order_by(*rows.c)

    def people(self, profiles: sa.FromClause) -> sa.FromClause:
        """Return the profiles by person, under the name ``_profile``.

        Where several profiles belong to one person, the one under the person's own id counts, else
        the one with the least id.
        """
        if self.lookup is None or self.rules == "simplified":
            return profiles.alias("_profile")
        ids = self.lookup.alias("_profile_ids")
        person = sa.func.coalesce(ids.c.person, profiles.c.distinct_id)
        others = [column for column in profiles.c if column.name != "distinct_id"]
        resolved = (
            sa.select(person.label("person"), profiles.c.distinct_id, *others)
            .select_from(profiles.outerjoin(ids, ids.c.id == profiles.c.distinct_id))
            .subquery("resolved")
        )
        other = sa.case((resolved.c.distinct_id == resolved.c.person, 0), else_=1)
        order = (other, resolved.c.distinct_id)
        columns = [fn.arg_min(resolved.c[c.name], *order).label(c.name) for c in others]
        rows = sa.select(resolved.c.person.label("distinct_id"), *columns)
        return rows.group_by(resolved.c.person).subquery("_profile")

    def _key(self, table: sa.FromClause) -> Expression:
        return _device_id(table) if self.rules == "simplified" else table.c.distinct_id


def stored() -> Identity:
    """Return the rule that takes every distinct_id as it is stored."""
    return Identity("stored")


def mapping(table: sa.FromClause) -> Identity:
    """Return the rule of a table with distinct_id and resolved_distinct_id, one row an id."""
    rows = sa.select(
        table.c.distinct_id.label("id"),
        sa.func.min(table.c.resolved_distinct_id).label("person"),
    )
    return Identity("mapping", rows.group_by(table.c.distinct_id).cte("_identity_mapping"))


def simplified(table: sa.FromClause) -> Identity:
    """Return the rule of the Simplified ID Merge.

    The first event with both ``$device_id`` and ``$user_id`` links the device to the user, for all
    time before and after; later users of the device do not get it. An event belongs to its
    ``$user_id``, else to the user of its ``$device_id``, else to its distinct_id. Of two links at
    one instant the lesser user's counts.
    """
    rows = sa.select(
        _device_id(table).label("id"),
        _user_id(table).label("person"),
        table.c.event_time.label("t"),
    ).where(_device_id(table).is_not(None), _user_id(table).is_not(None))
    links = rows.subquery("links")
    person = fn.arg_min(links.c.person, links.c.t, links.c.person).label("person")
    return Identity(
        "simplified", sa.select(links.c.id, person).group_by(links.c.id).cte("_devices")
    )


def original(table: sa.FromClause) -> Identity:
    """Return the rule of the Original ID Merge.

    ``$identify``, ``$create_alias`` and ``$merge`` join ids, transitively. The person is named by
    the least of the ids that an ``$identify`` or ``$create_alias`` names as the user's, else by the
    least id: Mixpanel does not document which one it chooses.
    """
    links = _links(table)
    forth = sa.select(links.c.a, links.c.b, sa.case((links.c.names, 1), else_=0).label("names"))
    back = sa.select(links.c.b, links.c.a, sa.literal(0))
    both = sa.union(forth, back).cte("_identity_links")
    rank = sa.case((sa.func.max(both.c.names) == 1, "0"), else_="1")
    # The name of a cluster is its least label.
    labels = sa.select(both.c.a.label("id"), rank.concat(both.c.a).label("label"))
    labels = labels.group_by(both.c.a)
    reached = _least_labels(labels, both)
    person = sa.func.substr(sa.func.min(reached.c.label), 2)
    rows = sa.select(reached.c.id, person.label("person")).group_by(reached.c.id)
    return Identity("original", rows.cte("_identity_people"))


def _least_labels(labels: sa.Select[Any], links: sa.CTE) -> sa.CTE:
    """Return ids with labels, among them the least label of all that are linked.

    In each round every id, and the id that it is labelled by, takes the least label of those that
    its neighbours are labelled by, until none changes. That takes few rounds for long chains, too:
    https://arxiv.org/abs/1910.05971.
    """
    begin = labels.add_columns(sa.true().label("goes_on"))
    reached = begin.cte("_identity_labels", recursive=True)
    named, mine = reached.alias("named"), reached.alias("mine")
    itself = sa.select(links.c.a, links.c.a.label("b"))
    near = sa.union(sa.select(links.c.a, links.c.b), itself).subquery("near")
    both = sa.union_all(sa.select(sa.literal(1).label("n")), sa.select(sa.literal(2)))
    each = both.subquery("each_target")
    target = sa.case((each.c.n == 1, near.c.b), else_=sa.func.substr(mine.c.label, 2))
    found = (
        sa.select(
            target.label("id"),
            named.c.label,
            sa.case((sa.and_(near.c.a == near.c.b, each.c.n == 1), mine.c.label)).label("own"),
        )
        .select_from(
            reached.join(near, near.c.a == reached.c.id)
            .join(named, named.c.id == sa.func.substr(reached.c.label, 2))
            .join(mine, mine.c.id == near.c.b)
            .join(each, sa.true())
        )
        .where(reached.c.goes_on)
        .subquery("found")
    )
    least, before = sa.func.min(found.c.label).label("label"), sa.func.max(found.c.own).label("own")
    taken = sa.select(found.c.id, least, before).group_by(found.c.id).subquery("taken")
    changed = sa.func.max(sa.case((taken.c.label < taken.c.own, 1), else_=0)).over() == 1
    return reached.union_all(sa.select(taken.c.id, taken.c.label, changed))


def _links(table: sa.FromClause) -> sa.CTE:
    """Return pairs of ids of one person, and whether the first of them is the user's own."""
    name = table.c.event_name
    pairs = (("$identify", "$identified_id", "$anon_id"), ("$create_alias", "distinct_id", "alias"))
    parts = [
        sa.select(_id(table, a).label("a"), _id(table, b).label("b"), sa.true().label("names"))
        .where(name == event)
        for event, a, b in pairs
    ]  # fmt: skip
    merged = event_property(table, "$distinct_ids")
    parts.append(
        sa.select(
            fn.json_first_item(merged).label("a"),
            fn.explode(fn.json_segments(merged)).label("b"),
            sa.false().label("names"),
        ).where(name == "$merge")
    )
    rows = sa.union_all(*parts).subquery("links")
    return (
        sa.select(rows.c.a, rows.c.b, rows.c.names)
        .where(rows.c.a != "", rows.c.b != "")
        .cte("_identity_events")
    )


def _id(table: sa.FromClause, name: str) -> Expression:
    return event_property(table, name, str)


def _user_id(table: sa.FromClause) -> Expression:
    return sa.func.nullif(_id(table, "$user_id"), "")


def _device_id(table: sa.FromClause) -> Expression:
    return sa.func.nullif(_id(table, "$device_id"), "")
