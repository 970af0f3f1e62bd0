"""Revival: reference outputs, the verification ladder and drills on restored copies."""
