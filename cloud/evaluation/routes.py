"""Routes of evaluation: frameworks, a pupil's profile and its explanation, coverage of a class, medians of a school."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from cloud.evaluation import documents, evidence_schemas, framework_schemas, reading, repository, schemas, service
from cloud.evaluation.access import ClassKey, Person, note_class, note_pupil
from cloud.evaluation.models import Stage
from cloud.evaluation.replaying import Refused
from cloud.evaluation.service import Asked, FrameworkRefused, FrameworkVersionTaken, NoFramework
from cloud.http import problems
from cloud.http.database import Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.problems import ProblemError
from cloud.http.schemas import FieldProblem
from cloud.http.token import operator_token

router = APIRouter(prefix="/evaluation", tags=["evaluation"])

MAX_FRAMEWORK_BYTES = 8 * 1024 * 1024

RecordKey = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of the record.")]
FrameworkKey = Annotated[str, Path(max_length=63, examples=["a2bb119d-2026.1"], description="Framework id.")]
SchoolYear = Annotated[
    int | None, Query(ge=1990, le=2200, description="School year, by the calendar year in which it begins.")
]
_LISTED = "GET /api/v1/evaluation/frameworks lists every framework."
_REFERENCE = "References of pupils are in the roster: GET /api/v1/roster/classes."


def _asked(
    school_year: SchoolYear = None,
    term: Annotated[int | None, Query(ge=1, le=2, description="One term; default the whole year.")] = None,
    framework: Annotated[
        str | None, Query(max_length=63, description="Read by this framework; default the one of the school year.")
    ] = None,
) -> Asked:
    return Asked(school_year, term, framework)


AskedFor = Annotated[Asked, Depends(_asked)]


def _no_framework(error: NoFramework) -> ProblemError:
    return ProblemError(404, "no-framework", detail=str(error), hint=error.hint)


@router.get("/frameworks", responses=problems.responses(503))
async def evaluation_frameworks(reader: Reader) -> framework_schemas.FrameworkList:
    """Every version of the framework of indicators, newest import first."""
    return framework_schemas.FrameworkList(items=await reading.frameworks(reader))


_CASE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A CASE 1.0 or 1.1 package as JSON: CFDocument, CFItems, CFAssociations.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post(
    "/frameworks",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 409, 413, 422, 503),
    openapi_extra=_CASE_BODY,
)
async def import_evaluation_framework(
    request: Request,
    writer: Writer,
    dry_run: Annotated[bool, Query(description="Check and compare; change nothing.")] = False,
) -> framework_schemas.ImportedFramework:
    """Import a framework and make it the active one; the same content again changes nothing."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_FRAMEWORK_BYTES:
            raise ProblemError(
                413,
                "framework-too-large",
                detail=f"the framework is larger than {MAX_FRAMEWORK_BYTES} bytes",
                hint="A framework holds definitions only; send evidence as records.",
            )
    try:
        return await service.import_framework(writer, bytes(content), dry_run=dry_run)
    except FrameworkRefused as refused:
        raise problems.invalid_input(
            [FieldProblem(field=path, detail=text) for path, text in refused.problems]
        ) from None
    except FrameworkVersionTaken as taken:
        raise ProblemError(409, "framework-version-taken", detail=str(taken), hint=taken.hint) from None


@router.get("/frameworks/{framework}", responses=problems.responses(404, 422, 503))
async def evaluation_framework_document(framework: FrameworkKey, reader: Reader) -> Response:
    """The CASE document of a framework, as it was imported."""
    content = await service.framework_content(reader, framework)
    if content is None:
        raise problems.not_found("framework", framework, hint=_LISTED)
    return Response(content, media_type="application/json")


@router.get("/frameworks/{framework}/indicators", responses=problems.responses(404, 422, 503))
async def evaluation_indicators(
    framework: FrameworkKey,
    reader: Reader,
    dimension: Annotated[str | None, Query(max_length=63, description="Only of this dimension, by its code.")] = None,
    stage: Annotated[Stage | None, Query(description="Only those asked of this stage.")] = None,
) -> framework_schemas.IndicatorList:
    """Indicators of a framework with everything that decides their values."""
    found = await reading.find_framework(reader, framework)
    if found is None:
        raise problems.not_found("framework", framework, hint=_LISTED)
    return documents.indicator_list(found, dimension, stage)


@router.get("/pupils/{person}/profile", dependencies=[Depends(note_pupil)], responses=problems.responses(404, 422, 503))
async def pupil_profile(person: Person, reader: Reader, asked: AskedFor) -> schemas.Profile:
    """One pupil across the stages: dimensions with coverage, indicators with what they rest on; missing is not zero."""
    try:
        profile = await service.profile(reader, person, asked)
    except NoFramework as error:
        raise _no_framework(error) from None
    if profile is None:
        raise problems.not_found("pupil", person, hint=_REFERENCE)
    return profile


@router.get(
    "/pupils/{person}/evidence", dependencies=[Depends(note_pupil)], responses=problems.responses(404, 422, 503)
)
async def pupil_evidence(
    person: Person, reader: Reader, school_year: SchoolYear = None, limit: Limit = 100, offset: Offset = 0
) -> evidence_schemas.EvidenceList:
    """Evidence and activities of one pupil, newest first, with the files they declared."""
    found = await service.evidence(reader, person, school_year, limit, offset)
    if found is None:
        raise problems.not_found("pupil", person, hint=_REFERENCE)
    return found


@router.get(
    "/pupils/{person}/indicators/{code}",
    dependencies=[Depends(note_pupil)],
    responses=problems.responses(404, 422, 503),
)
async def pupil_indicator(
    person: Person,
    code: Annotated[str, Path(max_length=63, examples=["M1-01"], description="Code of the indicator.")],
    reader: Reader,
    asked: AskedFor,
) -> schemas.Explanation:
    """How one value came about: evidence, formula, steps, and how to have it changed; default the current year."""
    try:
        found = await service.explanation(reader, person, code, asked)
    except NoFramework as error:
        raise _no_framework(error) from None
    if found is None:
        raise problems.not_found(
            "value", f"{person}/{code}", hint="The profile names the years, and the indicators expected in them."
        )
    return found


@router.get(
    "/classes/{school_class}/coverage", dependencies=[Depends(note_class)], responses=problems.responses(404, 422, 503)
)
async def class_coverage(
    school_class: ClassKey,
    reader: Reader,
    asked: AskedFor,
) -> schemas.ClassCoverage:
    """Where evidence of a class is missing, by dimension, indicator and pupil; default the current year."""
    try:
        found = await service.class_coverage(reader, school_class, asked)
    except NoFramework as error:
        raise _no_framework(error) from None
    if found is None:
        raise problems.not_found("class", school_class, hint="GET /api/v1/roster/classes lists every class.")
    return found


@router.get("/schools/{school}/summary", responses=problems.responses(404, 422, 503))
async def school_summary(
    school: Annotated[str, Path(max_length=63, examples=["s07"], description="School id.")],
    reader: Reader,
    asked: AskedFor,
) -> schemas.SchoolSummary:
    """A school's pupils as a group: medians of 30 or more, never a pupil, never a rank; default the current year."""
    try:
        found = await service.school_summary(reader, school, asked)
    except NoFramework as error:
        raise _no_framework(error) from None
    if found is None:
        raise problems.not_found("school", school, hint="GET /api/v1/schools lists every school.")
    return found


@router.get("/refusals", responses=problems.responses(422, 503))
async def evaluation_refusals(
    reader: Reader,
    school_class: Annotated[str | None, Query(max_length=63, description="Only records of this class.")] = None,
) -> schemas.RefusalList:
    """Records that evaluation could not take, counted by reason."""
    return schemas.RefusalList(items=await service.refusals(reader, school_class))


@router.post("/refusals/replay", dependencies=[Depends(operator_token)], responses=problems.responses(401, 422, 503))
async def replay_evaluation_refusals(refused: Refused) -> schemas.ReplayResult:
    """Try refused records again, after a framework or a roster has been imported, say."""
    tried, taken = await refused.replay()
    return schemas.ReplayResult(tried=tried, taken=taken)


@router.post(
    "/evidence/{record_id}/exclusion",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 404, 422, 503),
)
async def exclude_evidence(
    record_id: RecordKey, body: evidence_schemas.ExclusionRequest, writer: Writer
) -> evidence_schemas.ExclusionResult:
    """Take a record out of every value, with a reason; the record itself stays."""
    return await _exclude(writer, record_id, body.reason)


@router.delete(
    "/evidence/{record_id}/exclusion",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 404, 422, 503),
)
async def readmit_evidence(record_id: RecordKey, writer: Writer) -> evidence_schemas.ExclusionResult:
    """Let a record count again."""
    return await _exclude(writer, record_id, None)


async def _exclude(writer: Writer, record_id: str, reason: str | None) -> evidence_schemas.ExclusionResult:
    items = await repository.exclude(writer, record_id, reason)
    if items == 0:
        raise problems.not_found(
            "evidence", record_id, hint="GET /api/v1/evaluation/pupils/{person}/evidence lists a pupil's."
        )
    return evidence_schemas.ExclusionResult(record_id=record_id, excluded=reason is not None, items=items)
