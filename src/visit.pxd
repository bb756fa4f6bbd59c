"""A visit of the features of a row or batch, with one output: load, weigh, step, store.

{value, accumulator} of the features at work are copied side by side into `loaded`, so that the
loops over them vectorise. A record in the state is {value, accumulator}, and for regularised COMID
{value, accumulator, step last seen, pull}: a step leaves its proximal part to the next visit, as
one step more that the record has missed, and `pull` is what src/updates.pxd calls so.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

from decay cimport (
    exp_minus_one,
    expm1_near_zero,
    exponential,
    log1p_near_zero,
    log1plus,
)
from dtypes cimport index_t, weight_t
from fours cimport Four, add_product, load_four, store_four, sum_of, zeros
from prefetch cimport ask_further_on
from records cimport is_stamped, record_width
from updates cimport (
    Comid,
    ComidDecay,
    ComidElastic,
    ComidL1,
    Ftrl,
    Rda,
    current_weight,
    decayed,
    holds_weights,
    is_near_zero,
    kept_after,
    rule_t,
    shrunk,
    shrunk_near_zero,
    soft_threshold,
    step_size,
    take_step,
)


cdef enum:
    BLOCK = 8  # and the steps of ranges, which Cython wants as literals


# Load a record into place k, and return its weight where that takes neither a root nor a division
# to read; what is returned comes from the state, since what has just been stored to `loaded` takes
# longer to come back. L1 loads the weight in place of the value. The elastic net leaves in
# pulled_by[k] how far the weight is to be pulled.
cdef inline weight_t load_record(
    rule_t rule, const weight_t *state, int64_t column, weight_t now,
    weight_t *loaded, weight_t *pulled_by, int64_t k,
) noexcept nogil:
    cdef const weight_t *record = &state[column * record_width(rule, 1)]
    cdef weight_t value = record[0]
    if rule_t is ComidDecay:
        # The decay of the step to come included.
        loaded[2 * k] = value
        loaded[2 * k + 1] = decayed(
            rule, record[1], kept_after(rule, now + <weight_t>1 - record[2]))
    elif rule_t is ComidL1:
        value = soft_threshold(value, (now - record[2]) * record[3])
        loaded[2 * k] = value
        loaded[2 * k + 1] = record[1]
    else:
        memcpy(&loaded[2 * k], record, 2 * sizeof(weight_t))
        if rule_t is ComidElastic:
            pulled_by[k] = (now - record[2]) * record[3]
    return value


cdef inline void store_record(
    rule_t rule, weight_t *state, int64_t column, weight_t now,
    const weight_t *loaded, const weight_t *weight, int64_t k,
) noexcept nogil:
    cdef weight_t *record = &state[column * record_width(rule, 1)]
    memcpy(record, &loaded[2 * k], 2 * sizeof(weight_t))
    if rule_t is ComidDecay:
        record[2] = now + <weight_t>1
    elif rule_t is ComidL1 or rule_t is ComidElastic:
        record[2] = now
        record[3] = weight[k]


# The weights of the loaded records, where loading has not given them. Few weights are pulled so
# far that exp needs its whole range: a row that has one is done again.
cdef inline void weigh_records(
    rule_t rule, weight_t now, const weight_t *loaded, weight_t *weight, const weight_t *pulled_by,
    int64_t length,
) noexcept nogil:
    cdef int64_t k
    cdef int32_t n_far = 0
    cdef weight_t a_minus_one
    if rule_t is ComidElastic:
        if weight_t is float:
            for k in range(length):
                n_far += pulled_by[k] > <float>1
                a_minus_one = expm1_near_zero(-pulled_by[k])
                weight[k] = shrunk_near_zero(rule, loaded[2 * k], a_minus_one)
        else:
            n_far = 1
        if n_far:
            for k in range(length):
                weight[k] = shrunk(
                    rule, loaded[2 * k],
                    exponential(-pulled_by[k]), exp_minus_one(-pulled_by[k]))
    elif rule_t is Rda or rule_t is Ftrl:
        for k in range(length):
            weight[k] = current_weight(rule, loaded[2 * k], loaded[2 * k + 1], now)


# A step of the record in place k, with gradient g. The stamped rules leave kappa_1 or kappa_2 of
# src/updates.pxd in the place of the weight.
cdef inline void step_record(
    rule_t rule, weight_t *loaded, weight_t *weight, int64_t k, weight_t g
) noexcept nogil:
    cdef weight_t *record = &loaded[2 * k]
    cdef Comid plain
    if rule_t is Comid or rule_t is ComidDecay:
        take_step(rule, &record[0], &record[1], record[0], g)
    elif rule_t is ComidL1 or rule_t is ComidElastic:
        plain.rate, plain.epsilon = rule.rate, rule.epsilon
        take_step(
            plain, &record[0], &record[1], record[0] if rule_t is ComidL1 else weight[k], g)
        weight[k] = step_size(rule.rate, rule.epsilon, record[1]) * <weight_t>(
            rule.l1 if rule_t is ComidL1 else rule.l2)
    else:
        take_step(rule, &record[0], &record[1], weight[k], g)


# From kappa to the pull, in place: only the elastic net's differs.
cdef inline void take_pulls(rule_t rule, weight_t *kappa, int64_t length) noexcept nogil:
    cdef int64_t k
    if rule_t is ComidElastic:
        if weight_t is float and is_near_zero(rule, 0):
            for k in range(length):
                kappa[k] = log1p_near_zero(kappa[k])
        else:
            for k in range(length):
                kappa[k] = log1plus(kappa[k])


cdef inline void step_and_store_block(
    rule_t rule, weight_t *state, weight_t now, const index_t *columns,
    const weight_t *x, weight_t slope, int64_t begin, int64_t end,
    weight_t *loaded, weight_t *weight,
) noexcept nogil:
    cdef int64_t k
    for k in range(begin, end):
        step_record(rule, loaded, weight, k, slope * x[k])
    take_pulls(rule, &weight[begin], end - begin)
    for k in range(begin, end):
        store_record(rule, state, columns[k], now, loaded, weight, k)


# The same of records that are but {value, accumulator}: BLOCK of them in arrays that nothing
# else can point to, so that the loop vectorises and they stay in registers.
cdef inline void step_and_store_plain(
    rule_t rule, float *state, const index_t *columns, const float *x, float slope,
    const float *loaded, const float *weight,
) noexcept nogil:
    cdef float value[BLOCK]
    cdef float accumulator[BLOCK]
    cdef int64_t k
    for k in range(BLOCK):
        value[k] = loaded[2 * k]
        accumulator[k] = loaded[2 * k + 1]
    for k in range(BLOCK):
        take_step(
            rule, &value[k], &accumulator[k], value[k] if holds_weights(rule) else weight[k],
            slope * x[k])
    for k in range(0, BLOCK, 4):
        store_four(
            &state[<int64_t>columns[k] * 2], &state[<int64_t>columns[k + 1] * 2],
            &state[<int64_t>columns[k + 2] * 2], &state[<int64_t>columns[k + 3] * 2],
            &value[k], &accumulator[k])


# A step of the loaded features, with gradients slope * x. In blocks: while the records of one are
# stored, the roots and divisions of the next are on their way, longer ways with larger blocks.
cdef inline void step_and_store(
    rule_t rule, weight_t *state, weight_t now, const index_t *columns,
    const weight_t *x, weight_t slope, int64_t length, weight_t *loaded, weight_t *weight,
) noexcept nogil:
    cdef int64_t begin
    if weight_t is float:
        if not is_stamped(rule):
            for begin in range(0, length - 7, 8):
                step_and_store_plain(
                    rule, state, &columns[begin], &x[begin], slope, &loaded[2 * begin],
                    &weight[begin])
            if length < BLOCK:
                step_and_store_block(
                    rule, state, now, columns, x, slope, 0, length, loaded, weight)
            elif length % BLOCK:
                # Some once more, from what was loaded: the same comes of it.
                begin = length - BLOCK
                step_and_store_plain(
                    rule, state, &columns[begin], &x[begin], slope, &loaded[2 * begin],
                    &weight[begin])
            return
    if rule_t is Comid or rule_t is Ftrl:
        for begin in range(0, length - 15, 16):
            step_and_store_block(
                rule, state, now, columns, x, slope, begin, begin + 16, loaded, weight)
        begin = length - length % 16
    else:
        for begin in range(0, length - 31, 32):
            step_and_store_block(
                rule, state, now, columns, x, slope, begin, begin + 32, loaded, weight)
        begin = length - length % 32
    step_and_store_block(rule, state, now, columns, x, slope, begin, length, loaded, weight)


# A sum is a chain of additions, each waiting for the last: four chains run side by side.
cdef inline weight_t dot(const weight_t *a, const weight_t *b, int64_t length) noexcept nogil:
    cdef weight_t s0 = 0, s1 = 0, s2 = 0, s3 = 0
    cdef int64_t k
    for k in range(0, length - 3, 4):
        s0 += a[k] * b[k]
        s1 += a[k + 1] * b[k + 1]
        s2 += a[k + 2] * b[k + 2]
        s3 += a[k + 3] * b[k + 3]
    for k in range(length - length % 4, length):
        s0 += a[k] * b[k]
    return (s0 + s1) + (s2 + s3)


# w.x of one row, whose records and weights stay loaded.
cdef inline weight_t load_and_score(
    rule_t rule, const weight_t *state, weight_t now,
    const index_t *columns, const weight_t *x, int64_t length,
    weight_t *loaded, weight_t *weight, weight_t *pulled_by,
) noexcept nogil:
    cdef int64_t width = record_width(rule, 1)
    cdef weight_t s0 = 0, s1 = 0, s2 = 0, s3 = 0
    cdef Four sums = zeros()
    cdef Four values
    cdef int64_t k
    if weight_t is float:
        if not is_stamped(rule):
            for k in range(0, length - 3, 4):
                ask_further_on(state, width, columns, length, k, 4)
                values = load_four(
                    &state[<int64_t>columns[k] * 2], &state[<int64_t>columns[k + 1] * 2],
                    &state[<int64_t>columns[k + 2] * 2], &state[<int64_t>columns[k + 3] * 2],
                    &loaded[2 * k])
                if rule_t is Comid:
                    sums = add_product(sums, values, &x[k])
            for k in range(length - length % 4, length):
                s0 += x[k] * load_record(
                    rule, state, columns[k], now, loaded, pulled_by, k)
            if rule_t is Comid:
                return sum_of(sums, s0)
            else:
                weigh_records(rule, now, loaded, weight, pulled_by, length)
                return dot(weight, x, length)
    for k in range(0, length - 3, 4):
        ask_further_on(state, width, columns, length, k, 4)
        s0 += x[k] * load_record(
            rule, state, columns[k], now, loaded, pulled_by, k)
        s1 += x[k + 1] * load_record(
            rule, state, columns[k + 1], now, loaded, pulled_by, k + 1)
        s2 += x[k + 2] * load_record(
            rule, state, columns[k + 2], now, loaded, pulled_by, k + 2)
        s3 += x[k + 3] * load_record(
            rule, state, columns[k + 3], now, loaded, pulled_by, k + 3)
    for k in range(length - length % 4, length):
        s0 += x[k] * load_record(
            rule, state, columns[k], now, loaded, pulled_by, k)
    if rule_t is Comid or rule_t is ComidDecay or rule_t is ComidL1:
        return (s0 + s1) + (s2 + s3)
    else:
        weigh_records(rule, now, loaded, weight, pulled_by, length)
        return dot(weight, x, length)
