// serial_line: thin over the system, except for interruption.
#include "auraio/core/io/serial_line.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace aura::core {

namespace {

template <class Call>
int until_done(Call call) noexcept {
    for (;;) {
        if (const int r = call(); r >= 0)
            return r;
        if (errno != EINTR)
            return -errno;
    }
}

int make_raw(int fd) noexcept {
    termios settings;
    if (const int error = get_line_settings(fd, settings); error < 0)
        return error;
    ::cfmakeraw(&settings);
    settings.c_iflag |= IGNPAR;
    settings.c_cflag |= CREAD | CLOCAL;
    return set_line_settings(fd, settings);
}

} // namespace

int open_serial_line(const char* device) noexcept {
    const int fd = until_done([&] { return ::open(device, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); });
    if (fd < 0)
        return fd;
    if (const int error = make_raw(fd); error < 0) {
        ::close(fd);
        return error;
    }
    return fd;
}

int get_line_settings(int fd, termios& settings) noexcept {
    return until_done([&] { return ::tcgetattr(fd, &settings); });
}

int set_line_settings(int fd, const termios& settings) noexcept {
    return until_done([&] { return ::tcsetattr(fd, TCSANOW, &settings); });
}

int send_break(int fd) noexcept {
    return ::tcsendbreak(fd, 0) == 0 ? 0 : -errno;
}

} // namespace aura::core
