"""How good a voice or video call would be over a line: a mean opinion score from delay, jitter and loss. Pure.

The E-model of ITU-T G.107 with its default values, simplified as R. G. Cole and J. H. Rosenbluth ("Voice over IP
performance monitoring", ACM SIGCOMM CCR 31(2), 2001) do for a line that is only measured from outside:
`R = 93.2 - Id - Ie,eff`. `Id` is the delay impairment, `0.024 d + 0.11 (d - 177.3)` with the second part only above
177.3 ms one way. `Ie,eff` is the loss impairment of G.107 (clause 7.5) for random loss, with the values of G.113
Appendix I for G.711 with packet loss concealment (`Ie = 0`, `Bpl = 25.1`). The score comes from R by G.107 Annex B.

The one-way delay is half the round trip, plus twice the jitter for the receiver's buffer, plus 10 ms for the codec.
It is an estimate for comparing lines and days, not a measurement of any call.
"""

from __future__ import annotations

from dataclasses import dataclass

_BEST_R = 93.2
_CODEC_SECONDS = 0.010
_DELAY_KNEE_MS = 177.3
_LOSS_ROBUSTNESS = 25.1
_LEAST_SCORE, _BEST_SCORE = 1.0, 4.5


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """The rating `r` of the E-model (0 to 93.2) and the mean opinion score (1 to 4.5) that it stands for."""

    r: float
    mos: float


def quality(rtt_seconds: float, jitter_seconds: float, loss_ratio: float) -> VoiceQuality:
    """Return the quality over a line with these mean values; `loss_ratio` lies between 0 and 1."""
    delay_ms = 1000 * (rtt_seconds / 2 + 2 * jitter_seconds + _CODEC_SECONDS)
    delay_impairment = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _DELAY_KNEE_MS)
    loss_percent = 100 * min(1.0, max(0.0, loss_ratio))
    loss_impairment = 95 * loss_percent / (loss_percent + _LOSS_ROBUSTNESS)
    r = min(_BEST_R, max(0.0, _BEST_R - delay_impairment - loss_impairment))
    return VoiceQuality(r=r, mos=_score(r))


def _score(r: float) -> float:
    # The cubic of Annex B dips below 1 for R under 6.5, where the recommendation says 1.
    return min(_BEST_SCORE, max(_LEAST_SCORE, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6))
