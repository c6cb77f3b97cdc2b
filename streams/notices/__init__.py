"""Who is told what, when and together with what: decisions alone. `now` is an argument, nothing is read or sent here.

routing, silences, inhibition    whether an alert is told on a channel now, later or not at all
planning                         which notices a change of an alert calls for
due                              when people are told again, and what need not be told any more
pacing                           what a channel says next, alone or together
"""
