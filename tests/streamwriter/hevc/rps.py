"""Short-term reference picture sets of HEVC: st_ref_pic_set() with and without inter prediction (7.3.7, 7.4.8).

A set is a tuple of (delta_poc, is_used): the negative ones from the nearest on, then the positive ones likewise.
"""


def ordered(entries):
    """The set of these (delta_poc, is_used)."""
    return tuple(sorted(entries, key=lambda entry: (entry[0] > 0, abs(entry[0]))))


def write_short_term_sets(random, bits, sets):
    """Those of an SPS. Returns how many were predicted."""
    return sum(
        write_short_term_set(random, bits, sets[index], sets[:index], False)
        for index in range(len(sets))
    )


def write_short_term_set(random, bits, target, before, is_in_slice, names_itself=False):
    """One set, predicted where that is possible and chance wants it. before: the sets of lower index.

    names_itself: prediction flags that come to delta 0 are 1, which names no picture (7-61, 7-62); FFmpeg takes it for
    one. Returns whether the set was predicted.
    """
    choices = []
    for index in range(len(before)) if is_in_slice else range(len(before))[-1:]:
        choices += [(index, delta) for delta in _deltas_that_fit(target, before[index])]
    is_predicted = bool(choices) and random.rand() < 0.7
    if before:
        bits.u(1, int(is_predicted))  # inter_ref_pic_set_prediction_flag
    if is_predicted:
        index, delta = choices[random.randint(0, len(choices))]
        if is_in_slice:
            bits.ue(len(before) - index - 1)  # delta_idx_minus1
        _write_predicted(bits, target, before[index], delta, names_itself)
    else:
        _write_explicit(bits, target)
    return is_predicted


def _deltas_that_fit(target, reference):
    """Every deltaRps with which all of the target comes from the reference set (7-61, 7-62)."""
    sources = [delta for delta, _ in reference] + [0]
    if not target:
        return [1, -1]
    fitting = []
    for source in sources:
        delta = target[0][0] - source
        if delta and all(poc - delta in sources for poc, _ in target):
            fitting.append(delta)
    return fitting


def _write_predicted(bits, target, reference, delta, names_itself):
    bits.u(1, int(delta < 0)).ue(abs(delta) - 1)
    wanted = dict(target + ((0, names_itself),))
    for source in [entry[0] for entry in reference] + [0]:
        is_used = wanted.get(source + delta, False)
        bits.u(1, int(is_used))  # used_by_curr_pic_flag
        if not is_used:
            bits.u(1, int(source + delta in wanted and source + delta != 0))  # use_delta_flag


def _write_explicit(bits, target):
    negative = [entry for entry in target if entry[0] < 0]
    positive = [entry for entry in target if entry[0] > 0]
    bits.ue(len(negative)).ue(len(positive))
    for entries in (negative, positive):
        last = 0
        for delta, is_used in entries:
            bits.ue(abs(delta - last) - 1).u(1, int(is_used))
            last = delta
