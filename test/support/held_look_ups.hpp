// held_look_ups: a name server that does not answer until the test lets it.
#pragma once

#include <condition_variable>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <netdb.h>
#include <new>
#include <string>

namespace test {

/// Its address is 127.0.0.1, once let go.
inline constexpr const char* held_name = "held.test.invalid";

/// While one exists, look-ups of held_name wait.
class held_look_ups {
public:
    held_look_ups() {
        shared& s = all();
        const std::lock_guard guard(s.mutex);
        s.open = false;
        s.most = 0;
    }
    ~held_look_ups() {
        let_all_go();
        shared& s = all();
        std::unique_lock lock(s.mutex);
        s.changed.wait(lock, [&] { return s.inside == 0; });
    }
    held_look_ups(const held_look_ups&) = delete;

    void let_all_go() {
        shared& s = all();
        const std::lock_guard guard(s.mutex);
        s.open = true;
        s.changed.notify_all();
    }
    /// Until so many are waiting at once.
    void wait_for(unsigned count) {
        shared& s = all();
        std::unique_lock lock(s.mutex);
        s.changed.wait(lock, [&] { return s.inside == count; });
    }
    unsigned most() {
        shared& s = all();
        const std::lock_guard guard(s.mutex);
        return s.most;
    }
    /// In a child of fork: those that wait are the parent's threads. A condition variable that has waiters which are
    /// not there may wait for them when it is notified.
    void forget_held() {
        shared& s = all();
        s.inside = 0;
        ::new (static_cast<void*>(&s.mutex)) std::mutex;
        ::new (static_cast<void*>(&s.changed)) std::condition_variable;
    }
    static std::size_t name_size() { return std::strlen(held_name); }

    /// In getaddrinfo(3): whether `host` was one of these.
    static bool pass(const char* host) {
        if (!host || std::strcmp(host, held_name) != 0)
            return false;
        shared& s = all();
        std::unique_lock lock(s.mutex);
        ++s.inside;
        s.most = s.inside > s.most ? s.inside : s.most;
        s.changed.notify_all();
        s.changed.wait(lock, [&] { return s.open; });
        --s.inside;
        s.changed.notify_all();
        return true;
    }

private:
    struct shared {
        std::mutex mutex;
        std::condition_variable changed;
        unsigned inside = 0, most = 0;
        bool open = true;
    };
    static shared& all() {
        static auto* const only = new shared; // threads may be in it until the end
        return *only;
    }
};

} // namespace test

/// In the place of the C library's. For one source file of a program.
extern "C" inline int getaddrinfo_of_test(const char* host, const char* service, const addrinfo* hints,
                                          addrinfo** result) {
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(test::held_look_ups::pass(host) ? "127.0.0.1" : host, service, hints, result);
}
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** result) {
    return getaddrinfo_of_test(host, service, hints, result);
}
