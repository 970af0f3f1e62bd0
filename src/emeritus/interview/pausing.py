"""What is left of a session that the model paused, from its plan and its transcript alone. Pure."""

import msgspec

from emeritus.conversation import Transcript
from emeritus.interview.freely import is_done
from emeritus.interview.plan import SessionPlan
from emeritus.interview.script import first_answers, left_out
from emeritus.interview.steering import pausing_turn


def taken_up(plan: SessionPlan, transcript: Transcript) -> SessionPlan:
    """Return the part that follows a pause: what the model neither answered nor left out.

    An item that it answered by asking for the pause is asked again.
    """
    pausing = pausing_turn(transcript)
    if plan.interviewer is not None:
        answers = [turn for turn in transcript.answers if turn is not pausing]
        done = {each.section for each in plan.asked if is_done(each.section, answers)}
        left = tuple(each for each in plan.asked if each.section not in done)
    else:
        first = first_answers(plan, transcript)
        heard = {item for item, turn in first.items() if turn is not pausing}
        out = left_out(transcript)
        left = tuple(
            each for each in plan.asked if each.item not in heard and each.section not in out
        )
    return msgspec.structs.replace(plan, asked=left, part=plan.part + 1)
