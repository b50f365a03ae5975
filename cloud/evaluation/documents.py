"""Puts values into the documents of the API: pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TypedDict

from cloud.evaluation import evidence_schemas, formula, framework_schemas, schemas
from cloud.evaluation.formula import GroupValue
from cloud.evaluation.models import Direction, Framework, Indicator, Level, Node, Stage
from cloud.evaluation.reading import StoredItem
from cloud.evaluation.years import Frame, Year


class _Name(TypedDict):
    code: str
    statement: str
    statement_en: str


class _Group(_Name):
    expected: int
    present: int
    coverage_ratio: float
    sufficient: bool
    value: float | None


def name_of(node: Node) -> _Name:
    """Return what every document says of a node."""
    return {"code": node.code, "statement": node.statement, "statement_en": node.statement_en}


def indicator_document(indicator: Indicator) -> framework_schemas.IndicatorDefinition:
    """Describe an indicator."""
    node, definition = indicator.node, indicator.definition
    scale, accepts = (
        framework_schemas.Range(minimum=bounds.minimum, maximum=bounds.maximum)
        for bounds in (definition.scale, definition.accepts)
    )
    return framework_schemas.IndicatorDefinition(
        **name_of(node),
        identifier=node.identifier,
        dimension=indicator.dimension,
        subdimension=indicator.subdimension,
        stages=definition.stages,
        kind=definition.kind,
        source=definition.source.type,
        measure=definition.source.measure,
        activities=list(definition.source.activities),
        direction=definition.direction,
        scale=scale,
        accepts=accepts,
        aggregation=definition.aggregation,
        frequency=definition.frequency,
        formula_version=definition.formula_version,
        valid_from=node.valid_from,
        valid_to=node.valid_to,
        same_as=list(node.same_as),
        follows=list(node.follows),
    )


def indicator_list(framework: Framework, dimension: str | None, stage: Stage | None) -> framework_schemas.IndicatorList:
    """List a framework's indicators, of one dimension or stage or all."""
    return framework_schemas.IndicatorList(
        framework=framework.framework,
        groups=[
            framework_schemas.GroupName(**name_of(node), level=node.level, parent=node.parent)
            for node in framework.nodes
            if node.level is not Level.INDICATOR
        ],
        items=[
            indicator_document(one)
            for one in framework.indicators.values()
            if dimension in (None, one.dimension) and (stage is None or stage in one.definition.stages)
        ],
    )


def indicator_value(year: Year, indicator: Indicator) -> schemas.IndicatorValue:
    """Tell one indicator of one year."""
    code = indicator.node.code
    value = year.values.get(code)
    return schemas.IndicatorValue(
        **name_of(indicator.node),
        value=None if value is None else value.counted,
        scaled=None if value is None else value.scaled,
        n=0 if value is None else value.n,
        waiting=year.waiting.get(code, 0),
        winsorised=value is not None and value.winsorised,
        formula_version=indicator.definition.formula_version,
    )


def _group(node: Node, group: GroupValue) -> _Group:
    return {
        **name_of(node),
        "expected": group.expected,
        "present": group.present,
        "coverage_ratio": group.coverage_ratio,
        "sufficient": group.mean is not None,
        "value": group.mean,
    }


def year_document(year: Year, earlier: Year | None) -> schemas.YearResult:
    """Tell a pupil's year, with the change since an earlier one."""
    frame = year.frame
    return schemas.YearResult(
        school_year=frame.period.school_year,
        term=frame.period.term,
        stage=frame.stage,
        framework=frame.framework.framework,
        dimensions=[
            schemas.DimensionResult(
                **_group(node, year.group(node.code)),
                change=None if earlier is None else _change(year, earlier, node.code),
                subdimensions=[
                    schemas.SubdimensionResult(
                        **_group(child, year.group(child.code)),
                        indicators=[
                            indicator_value(year, one) for one in frame.expected if one.subdimension == child.code
                        ],
                    )
                    for child in frame.framework.nodes
                    if child.level is Level.SUBDIMENSION and child.parent == node.code
                ],
            )
            for node in dimensions_of(frame.framework)
        ],
    )


def dimensions_of(framework: Framework) -> list[Node]:
    """Return the dimensions, in order."""
    return [node for node in framework.nodes if node.level is Level.DIMENSION]


def _change(year: Year, earlier: Year, code: str) -> schemas.ChangeSince | None:
    change = year.change_since(earlier, code)
    if change is None:
        return None
    return schemas.ChangeSince(
        school_year=earlier.frame.period.school_year, stage=earlier.frame.stage, **change._asdict()
    )


def evidence_document(item: StoredItem) -> evidence_schemas.EvidenceItem:
    """Tell one item."""
    return evidence_schemas.EvidenceItem(
        record_id=item.record_id,
        type=item.type,
        counts_for=item.counts_for,
        indicator=item.code,
        framework=item.framework,
        stage=Stage(item.stage),
        school_year=item.school_year,
        term=item.term,
        school_class=item.school_class,
        value=item.value,
        note=item.note,
        made_at=item.made_at,
        received_at=item.received_at,
        complete=item.complete,
        excluded_at=item.excluded_at,
        exclusion_reason=item.exclusion_reason,
        parts=[evidence_schemas.EvidencePart(**part) for part in item.parts],
    )


def class_coverage(
    school_class: str,
    frame: Frame,
    years: dict[str, Year],
    refused: Sequence[schemas.RefusedRecords],
    not_arrived: schemas.NotArrived,
) -> schemas.ClassCoverage:
    """Tell where evidence of a class is missing; `years` has every pupil, in order."""
    dimensions = dimensions_of(frame.framework)
    groups = {node.code: [year.group(node.code) for year in years.values()] for node in dimensions}
    indicators = [
        schemas.CoverageOfIndicator(
            **name_of(one.node),
            dimension=one.dimension,
            pupils_with=sum(one.node.code in year.values for year in years.values()),
            pupils_waiting=sum(one.node.code in year.waiting for year in years.values()),
        )
        for one in frame.expected
    ]
    return schemas.ClassCoverage(
        school_class=school_class,
        stage=frame.stage,
        school_year=frame.period.school_year,
        term=frame.period.term,
        framework=frame.framework.framework,
        pupils=len(years),
        expected=len(frame.expected),
        not_arrived=not_arrived,
        refused=list(refused),
        dimensions=[
            schemas.CoverageOfGroup(
                **name_of(node),
                expected=len(frame.codes_of.get(node.code, ())),
                coverage_ratio=_mean_coverage(groups[node.code]),
                sufficient_pupils=sum(group.mean is not None for group in groups[node.code]),
            )
            for node in dimensions
        ],
        indicators=sorted(indicators, key=lambda one: one.pupils_with),
        people=[
            schemas.CoverageOfPupil(
                person=person,
                present=len(year.values),
                coverage_ratio=GroupValue(len(frame.expected), len(year.values), None).coverage_ratio,
                insufficient=[node.code for node in dimensions if year.group(node.code).mean is None],
            )
            for person, year in years.items()
        ],
    )


def school_summary(
    school: str, frame: Frame, years: Sequence[Year], not_arrived: schemas.NotArrived
) -> schemas.SchoolSummary:
    """Tell a school's pupils as a group."""
    groups = []
    for node in frame.framework.nodes:
        if node.level is Level.INDICATOR:
            continue
        found = [year.group(node.code) for year in years]
        means = [group.mean for group in found if group.mean is not None]
        groups.append(
            schemas.GroupMedian(
                **name_of(node),
                pupils_with_value=len(means),
                median=formula.median(means),
                coverage_ratio=_mean_coverage(found),
            )
        )
    return schemas.SchoolSummary(
        school=school,
        stage=frame.stage,
        school_year=frame.period.school_year,
        term=frame.period.term,
        framework=frame.framework.framework,
        pupils=len(years),
        not_arrived=not_arrived,
        groups=groups,
    )


def _mean_coverage(groups: Sequence[GroupValue]) -> float:
    return round(fmean(group.coverage_ratio for group in groups), 4) if groups else 0.0


def steps_of(indicator: Indicator, items: Sequence[StoredItem]) -> list[schemas.Step]:
    """Work a value out once more from its items, step by step (formula version 1)."""
    counting = [
        (item.value, item.made_at)
        for item in items
        if item.value is not None and item.complete and item.excluded_at is None
    ]
    if not counting:
        return []
    definition = indicator.definition
    scale = definition.scale
    value = formula.evaluate(formula.Tally.of(counting), definition.aggregation, scale, definition.direction)
    better = "" if definition.direction is Direction.HIGHER else "; less is better, so from the other end"
    return [
        schemas.Step(does="items that count", result=value.n),
        schemas.Step(does=f"{definition.aggregation} of their values", result=value.counted),
        schemas.Step(does=f"cut to the bounds {scale.minimum:g} to {scale.maximum:g}", result=value.cut),
        schemas.Step(does=f"scaled from these bounds to 0 to 100{better}", result=value.scaled),
    ]
