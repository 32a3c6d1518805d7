// A custom tracking header, as ASIO_CUSTOM_HANDLER_TRACKING wants it: it counts. Its tracked handler cannot
// be copied and its names are not Asio's, since a program's own header promises neither.
#pragma once

#include <cstdint>

namespace custom {

struct counted {
    counted() = default;
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    int number = 0;
};

inline int created = 0;

template <class Context>
void create(Context&, counted& h, const char*, void*, std::uintmax_t, const char*) {
    h.number = ++created;
}

struct call {
    explicit call(const counted& h)
        : number(h.number) {}
    template <class... Args>
    void begin(const Args&...) {}
    void end() { number = 0; }
    int number;
};

template <class... Args>
void ignore(const Args&...) {}

} // namespace custom

// clang-format off
#define ASIO_INHERIT_TRACKED_HANDLER : public custom::counted
#define ASIO_ALSO_INHERIT_TRACKED_HANDLER , public custom::counted
#define ASIO_HANDLER_TRACKING_INIT (void)0
#define ASIO_HANDLER_LOCATION(args) (void)0
#define ASIO_HANDLER_CREATION(args) custom::create args
#define ASIO_HANDLER_COMPLETION(args) custom::call custom_call args
#define ASIO_HANDLER_INVOCATION_BEGIN(args) custom_call.begin args
#define ASIO_HANDLER_INVOCATION_END custom_call.end()
#define ASIO_HANDLER_OPERATION(args) custom::ignore args
#define ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_READ_EVENT 1
#define ASIO_HANDLER_REACTOR_WRITE_EVENT 2
#define ASIO_HANDLER_REACTOR_ERROR_EVENT 4
#define ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define ASIO_HANDLER_REACTOR_OPERATION(args) (void)0
