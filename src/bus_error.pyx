"""What becomes of a process whose mapped file is cut short: it ends, and says why.

The system sends SIGBUS to who reads what is no longer there, which ends a process without a word.
Whoever calls this owns the process.
"""

cdef extern from *:
    """
    #include <signal.h>
    #if defined(SIGBUS)
    #include <unistd.h>
    static void fastada_tell(int number) {
        static const char message[] =
            "fastada: error: a file was cut short, or could not be read on, while it was in use\\n";
        ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
        (void)number, (void)written;
        _exit(1);
    }
    static void fastada_tell_of_bus_errors(void) { signal(SIGBUS, fastada_tell); }
    #else
    static void fastada_tell_of_bus_errors(void) {}
    #endif
    """
    void tell_of_bus_errors_ "fastada_tell_of_bus_errors"() nogil


def tell_of_bus_errors():
    """From now on, end the process with an error on stderr and code 1."""
    tell_of_bus_errors_()
