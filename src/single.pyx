"""Training with one output: binary classification and regression.

Solves   min_w,b  (1 / n) sum_i s_i loss(w.x_i + b, y_i) + l1 |w|_1 + (l2 / 2) |w|_2^2

by one pass of the update rule over rows of a CSR matrix, in the order given. A
step is one row, or the mean gradient of a batch of rows at fixed w. The cost is
in proportion to the entries stored in those rows.
src/visit.pxd has what happens to the records of such a row or batch.

The kernel trusts its arguments: sorted column indices without duplicates and
inside the state, finite values, an order inside the rows, arrays of matching
lengths, no row whose sample weight is zero. fastada/validation.py sees to it.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc

from dtypes cimport index_t, weight_t
from intercept cimport Intercept, intercept_step, intercept_weight
from losses cimport (
    LOG_LOSS,
    LogSum,
    Loss,
    LossPoint,
    add_log_of_one_plus,
    log_loss_less_log,
    loss_at,
    no_logs,
    sum_of_logs,
)
from prefetch cimport (
    ROWS_AHEAD,
    Ahead,
    ask_for_entries,
    ask_for_first_rows,
    ask_for_row,
    look_ahead,
    prefetch,
)
from records cimport record_width
from training cimport (
    COMID_DECAY,
    COMID_ELASTIC,
    COMID_L1,
    COMID_PLAIN,
    DUAL_AVERAGING,
    Progress,
    Rows,
    Settings,
    comid,
    comid_decay,
    comid_elastic,
    comid_l1,
    count_on,
    ftrl,
    longest_row,
    most_touched,
    out_of_bounds,
    rda,
    rule_of,
)
from updates cimport ComidL1, holds_weights, rule_t
from visit cimport load_and_score, load_record, step_and_store, weigh_records


# A step a row.
cdef Progress learn_rows(
    rule_t rule, Settings settings, Loss loss, Rows rows, const double *target,
    Intercept *intercept, double start, weight_t *state,
    const index_t *indices, const weight_t *data, weight_t *buffer, int64_t capacity,
) noexcept nogil:
    cdef weight_t *weight = buffer
    cdef weight_t *pulled_by = buffer + capacity
    cdef weight_t *loaded = buffer + 2 * capacity
    cdef Progress done
    cdef LossPoint point
    cdef int64_t row, begin, length
    cdef double margin, e, now = start
    cdef bint sums_logs = loss.kind == LOG_LOSS and rows.row_loss == NULL
    cdef LogSum logs = no_logs()
    cdef Ahead ahead = look_ahead(rows.order, rows.n_rows, rows.indptr)
    ask_for_first_rows(&ahead, state, record_width(rule, 1), indices)
    done.n_steps, done.loss, done.weight = 0, 0, 0
    for done.n_rows in range(rows.n_rows):
        row = rows.order[min(done.n_rows + ROWS_AHEAD, rows.n_rows - 1)]
        prefetch(&target[row])
        prefetch(&rows.sample_weight[row])
        row = rows.order[done.n_rows]
        begin = rows.indptr[row]
        length = rows.indptr[row + 1] - begin
        margin = intercept_weight(rule, intercept[0], settings.intercept_rate)
        ask_for_entries(&ahead, done.n_rows + ahead.distance, indices, data)
        margin += load_and_score(
            rule, state, <weight_t>now, &indices[begin], &data[begin], length,
            loaded, weight, pulled_by)
        if sums_logs and rows.sample_weight[row] == 1:
            point = log_loss_less_log(margin, target[row], &e)
        else:
            e = 0
            point = loss_at(loss, margin, target[row])
        ask_for_row(
            &ahead, done.n_rows + ahead.distance, state, record_width(rule, 1), indices)
        point.slope *= settings.gain * rows.sample_weight[row]
        if out_of_bounds(settings, point.value, point.slope):
            break
        add_log_of_one_plus(&logs, e)
        step_and_store(
            rule, state, <weight_t>now, &indices[begin], &data[begin], <weight_t>point.slope,
            length, loaded, weight)
        if settings.fit_intercept:
            intercept_step(rule, intercept, settings.intercept_rate, point.slope)
        if rows.row_loss != NULL:
            rows.row_loss[done.n_rows] = point.value
        done.loss += rows.sample_weight[row] * point.value
        done.weight += rows.sample_weight[row]
        done.n_steps += 1
        now = count_on(start, settings.pace, done.n_steps)
    else:
        done.n_rows = rows.n_rows
    done.loss += sum_of_logs(logs)
    return done


# A step a batch: the mean gradient of its rows at fixed w, squared once per feature that occurs
# in them. `place[j]` is one more than feature j's place among those; all zero between batches.
cdef Progress learn_batches(
    rule_t rule, Settings settings, Loss loss, Rows rows, const double *target,
    Intercept *intercept, double start, weight_t *state,
    const index_t *indices, const weight_t *data, weight_t *buffer, int64_t capacity,
    index_t *touched, index_t *place,
) noexcept nogil:
    cdef weight_t *weight = buffer
    cdef weight_t *pulled_by = buffer + capacity
    cdef weight_t *gradient = buffer + 2 * capacity
    cdef weight_t *loaded = buffer + 3 * capacity
    cdef Progress done
    cdef LossPoint point
    cdef int64_t end, n_touched, i, row, p, k
    cdef weight_t slope, scale, margin, value
    cdef double bias, bias_slope, batch_loss, batch_weight, now = start
    done.n_rows, done.n_steps, done.loss, done.weight = 0, 0, 0, 0
    while done.n_rows < rows.n_rows:
        end = min(done.n_rows + settings.batch_size, rows.n_rows)
        n_touched = 0
        for i in range(done.n_rows, end):
            row = rows.order[i]
            for p in range(rows.indptr[row], rows.indptr[row + 1]):
                if place[indices[p]] == 0:
                    value = load_record(
                        rule, state, indices[p], <weight_t>now, loaded, pulled_by, n_touched)
                    if holds_weights(rule) or rule_t is ComidL1:
                        weight[n_touched] = value
                    gradient[n_touched] = 0
                    touched[n_touched] = indices[p]
                    n_touched += 1
                    place[indices[p]] = <index_t>n_touched
        weigh_records(rule, <weight_t>now, loaded, weight, pulled_by, n_touched)
        bias = intercept_weight(rule, intercept[0], settings.intercept_rate)
        bias_slope, batch_loss, batch_weight = 0, 0, 0
        for i in range(done.n_rows, end):
            row = rows.order[i]
            margin = 0
            for p in range(rows.indptr[row], rows.indptr[row + 1]):
                margin += weight[place[indices[p]] - 1] * data[p]
            point = loss_at(loss, bias + margin, target[row])
            point.slope *= settings.gain * rows.sample_weight[row]
            if out_of_bounds(settings, point.value, point.slope):
                return done
            slope = <weight_t>point.slope
            for p in range(rows.indptr[row], rows.indptr[row + 1]):
                gradient[place[indices[p]] - 1] += slope * data[p]
            if rows.row_loss != NULL:
                rows.row_loss[i] = point.value
            bias_slope += point.slope
            batch_loss += rows.sample_weight[row] * point.value
            batch_weight += rows.sample_weight[row]
        scale = <weight_t>1 / <weight_t>(end - done.n_rows)
        step_and_store(
            rule, state, <weight_t>now, touched, gradient, scale, n_touched, loaded, weight)
        for k in range(n_touched):
            place[touched[k]] = 0
        if settings.fit_intercept:
            intercept_step(
                rule, intercept, settings.intercept_rate, bias_slope / (end - done.n_rows))
        done.n_rows = end
        done.n_steps += 1
        now = count_on(start, settings.pace, done.n_steps)
        done.loss += batch_loss
        done.weight += batch_weight
    return done


# Allocates what the rows at hand need; done.n_rows = -1 if there is no memory for it.
cdef Progress learn_by(
    rule_t rule, Settings settings, Loss loss, Rows rows, const double *target,
    Intercept *intercept, double now, weight_t *state, int64_t n_features,
    const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef bint by_rows = settings.batch_size == 1
    cdef int64_t capacity = longest_row(rows) if by_rows else most_touched(
        rows, settings.batch_size, n_features)
    cdef weight_t *buffer = <weight_t *>malloc((5 * capacity + 1) * sizeof(weight_t))
    cdef index_t *touched = NULL
    cdef index_t *place = NULL
    cdef Progress done
    done.n_rows = -1
    if not by_rows:
        touched = <index_t *>malloc((capacity + 1) * sizeof(index_t))
        # The pages of calloc cost nothing until they are touched, however many columns there are.
        place = <index_t *>calloc(n_features, sizeof(index_t))
    if by_rows and buffer != NULL:
        done = learn_rows(
            rule, settings, loss, rows, target, intercept, now, state,
            indices, data, buffer, capacity)
    elif buffer != NULL and touched != NULL and place != NULL:
        done = learn_batches(
            rule, settings, loss, rows, target, intercept, now, state,
            indices, data, buffer, capacity, touched, place)
    free(buffer)
    free(touched)
    free(place)
    return done


def learn(
    weight_t[:, ::1] state, double[:, ::1] intercept, int64_t[::1] clock, settings,
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const double[::1] target, const double[::1] sample_weight, const int64_t[::1] order,
    double[:, ::1] row_loss=None,
):
    """Learn the rows of a CSR matrix in the given order; state, intercept, clock change in place.

    clock holds {steps so far, the step that the records' stamps count from}.

    Returns {"n_rows", "n_steps", "loss", "weight"}: how far it came before the first row whose
    loss or gradient is out of bounds, and the sums of weighted losses and of weights. `row_loss`,
    unless None, gets the loss of every visit before it is learned.
    """
    cdef Settings s = settings
    cdef Loss loss
    cdef Rows rows
    cdef Progress done
    cdef Intercept *bias = <Intercept *>&intercept[0, 0]
    cdef double now = clock[0] - clock[1]
    cdef int64_t n_features = state.shape[0]
    cdef const index_t *columns = NULL
    cdef const weight_t *values = NULL
    done.n_rows, done.n_steps, done.loss, done.weight = 0, 0, 0, 0
    if order.shape[0] == 0:
        return done
    if indices.shape[0]:
        columns, values = &indices[0], &data[0]
    rows.row_loss = NULL
    if row_loss is not None:
        rows.row_loss = &row_loss[0, 0]
    loss.kind, loss.delta = s.loss, s.delta
    rows.order, rows.n_rows = &order[0], order.shape[0]
    rows.indptr, rows.sample_weight = &indptr[0], &sample_weight[0]
    with nogil:
        if rule_of(s) == COMID_ELASTIC:
            done = learn_by(comid_elastic(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
        elif rule_of(s) == COMID_L1:
            done = learn_by(comid_l1(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
        elif rule_of(s) == COMID_DECAY:
            done = learn_by(comid_decay(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
        elif rule_of(s) == COMID_PLAIN:
            done = learn_by(comid(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
        elif rule_of(s) == DUAL_AVERAGING:
            done = learn_by(rda(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
        else:
            done = learn_by(ftrl(s), s, loss, rows, &target[0], bias, now,
                            &state[0, 0], n_features, columns, values)
    if done.n_rows < 0:
        raise MemoryError("no memory for the records of a batch: lower batch_size")
    # Here and not in Python, so that no Ctrl-C comes between the steps and their count.
    clock[0] += <int64_t>count_on(0, s.pace, done.n_steps)
    return done
