# Memory for what is large and is written once. Linux finds it 2 MB at a time if it is asked to, in
# an eighth of the time that pages of 4 kB take.

cdef extern from *:
    """
    #include <stdlib.h>
    #if defined(__linux__)
    #include <sys/mman.h>
    #endif
    #define FASTADA_LARGE_PAGE ((size_t)1 << 21)
    static void *fastada_large_malloc(size_t size) {
        #if defined(MADV_HUGEPAGE)
        void *found;
        if (posix_memalign(&found, FASTADA_LARGE_PAGE, size)) return NULL;
        madvise(found, size, MADV_HUGEPAGE);  /* Where that fails, all is as without. */
        return found;
        #else
        return malloc(size);
        #endif
    }
    """
    # To be freed by free().
    void* large_malloc "fastada_large_malloc" (size_t size) noexcept nogil
