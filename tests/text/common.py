"""What the tests of text share."""

import numpy as np

# Where lower-casing, \w, whitespace and UTF-8 lengths are special: sigma and its neighbours, dotted
# I, combining marks, joiners, scripts without case or spaces, digits that are not decimal, control
# characters and separators, the ends of the planes and of the UTF-8 lengths.
SPECIAL = (
    "aAbZz_09 \t\n\r\v\f\x00\x1c\x1d\x1e\x1f\x7f\x80\x85\xa0'.,-"
    "ΣσςΑα΄\u0345\u00ad\u2019İIıi\u0307ẞßſKÅȺȾⱥǅǄ"
    "\u0301\u0300\u200b\u200c\u200d\u2028\u2029\u3000\u2003\ufeff"
    "日本語ไทยกำาहिन्दीसंعربيעבריתАбЖꭰᏸ"
    "٣²½Ⅷ①𝟘𝒜𐐀𐐨😀👩\U0001e900\U0001e922"
    "\x7f\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0001ffff\U00020000\U0003ffff\U0010ffff"
)


def assert_same(actual, expected):
    assert type(actual) is type(expected)
    assert actual.shape == expected.shape
    for name in ("indptr", "indices", "data"):
        a, b = getattr(actual, name), getattr(expected, name)
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    assert actual.has_sorted_indices
