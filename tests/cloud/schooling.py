"""Classes, pupils and devices for the small district, written straight into the database."""

from __future__ import annotations

import psycopg


def with_classes(dsn: str) -> None:
    """Give each school a third grade in its first room and a fourth in its second, and the first class a pupil.

    The pupil `p-s01-1` holds the terminal `s01-c01-t02`, as `p-s02-1` does in the other school.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        for school in ("s01", "s02"):
            for room, grade, title in ((1, 3, "三年级"), (2, 4, "四年级")):
                name = f"{school}-g{grade}c1"
                connection.execute(
                    "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
                    " VALUES (%s, %s, %s, %s, '', %s, %s)",
                    [name, f"source-{name}", school, f"{title}1班", title, f"{school}-c{room:02d}"],
                )
            person = f"p-{school}-1"
            connection.execute(
                "INSERT INTO people (person, kind, source_id, name) VALUES (%s, 'pupil', %s, '甲')",
                [person, f"source-{person}"],
            )
            connection.execute(
                "INSERT INTO enrolments (school_class, person, role, number) VALUES (%s, %s, 'pupil', 1)",
                [f"{school}-g3c1", person],
            )
            connection.execute(
                "INSERT INTO terminal_holders (terminal, person) VALUES (%s, %s)", [f"{school}-c01-t02", person]
            )
