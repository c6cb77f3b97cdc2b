"""The engine of one partition: observations in, effects out. Pure; the shell carries the effects out.

    record bytes ── decode_record ──▶ observations ── Partition.observe ──▶ facts (merged, dirty)
    tick passed the barrier ── Partition.tick(now) ──▶ Effects: questions, findings, verdicts
    before each commit ── Partition.take_writes ──▶ changelog records (only what changed)

Order of one step, kept by the shell (design §1.6): case state written and acknowledged, finding sent and
acknowledged (`announced`), offsets committed.
"""
