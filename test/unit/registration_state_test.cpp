// core::registration_state: each transition, and all interleavings of a user and several rings.
#include "auraio/core/registered/registration_state.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::check_fixed_range;
using aura::core::registration_epoch;
using aura::core::registration_stage;
using aura::core::registration_state;
using aura::core::ring_registration;

TEST(RegistrationState, WalksItsLifeCycle) {
    registration_state s;
    bool first = false;
    EXPECT_EQ(s.stage(), registration_stage::unregistered);
    EXPECT_EQ(s.attach(0), -ENOENT);
    EXPECT_EQ(s.check_update(), -ENOENT);
    EXPECT_EQ(s.request_end(first), -ENOENT);
    EXPECT_FALSE(first);

    EXPECT_EQ(s.begin(), 0);
    EXPECT_EQ(s.stage(), registration_stage::registered);
    EXPECT_EQ(s.begin(), -EBUSY);
    EXPECT_EQ(s.check_update(), 0);
    EXPECT_EQ(s.attach(0), 0);
    EXPECT_EQ(s.attach(3), 0);
    EXPECT_EQ(s.attach(3), 0); // whoever starts a request may not know

    EXPECT_EQ(s.request_end(first), 0);
    EXPECT_TRUE(first);
    EXPECT_EQ(s.stage(), registration_stage::draining);
    EXPECT_EQ(s.begin(), -EBUSY);
    EXPECT_EQ(s.attach(1), -EBUSY);
    EXPECT_EQ(s.check_update(), -EBUSY);
    EXPECT_EQ(s.request_end(first), 0);
    EXPECT_FALSE(first);

    EXPECT_FALSE(s.detach(3));
    EXPECT_TRUE(s.detach(0));
    s.finish();
    EXPECT_EQ(s.stage(), registration_stage::unregistered);
}

TEST(RegistrationState, EveryRegistrationHasAnEpochOfItsOwn) {
    registration_state s;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 100; ++i) {
        bool first = false;
        s.begin();
        EXPECT_TRUE(seen.insert(s.epoch().word()).second);
        s.request_end(first);
        EXPECT_TRUE(s.drained());
        s.finish();
    }
}

TEST(RegistrationState, ARangeHasToLieWithinItsBuffer) {
    EXPECT_EQ(check_fixed_range(100, 0, 100), 0);
    EXPECT_EQ(check_fixed_range(100, 100, 0), 0);
    EXPECT_EQ(check_fixed_range(10, 5, 5), 0);
    EXPECT_EQ(check_fixed_range(10, 5, 6), -EOVERFLOW);
    EXPECT_EQ(check_fixed_range(100, 101, 0), -EOVERFLOW);
    EXPECT_EQ(check_fixed_range(100, 1, SIZE_MAX), -EOVERFLOW); // 1 + SIZE_MAX wraps around to 0
    EXPECT_EQ(check_fixed_range(0, 0, 0), 0);
    EXPECT_EQ(check_fixed_range(0, 0, 1), -EOVERFLOW);
}

// ---- all interleavings ----

// The context, its rings, threads that start requests and a pretended kernel, in which every step that is
// atomic in the program is one event: a call under the context's mutex, a look at something published, what a
// ring's thread does with one message. There is one starting thread for each ring.
struct world {
    static constexpr unsigned rings = 2;
    static constexpr std::array<unsigned, rings> unfinished_max{2, 1};
    static constexpr unsigned registrations_max = 2;
    static constexpr unsigned waiters_max = 2;

    enum class kind : std::uint8_t { drain, update, request };
    struct message {
        kind what;
        // A request: while it was being started nobody asked for the end of the registration.
        bool in_time = false;
        std::uint64_t version = 0; // a request: of the table when it was pushed
    };
    enum class step : std::uint8_t { idle, looked, enlisted };

    struct ring {
        ring_registration side;
        bool attached = false; // what starting threads read without the mutex
        std::vector<message> inbox;
        bool kernel_has_it = false;
        step starter = step::idle;
        registration_epoch seen; // by the starter
    };

    registration_state state;
    registration_epoch published;
    std::uint64_t version = 0;
    std::array<ring, rings> all;
    bool source_registered = false; // the memory is pinned: the user must not free it
    unsigned registrations = 0;
    unsigned waiting = 0; // requests to unregister that have not been told of the end
    std::string broken;   // the first invariant that did not hold

    void expect(bool holds, const char* what) {
        if (!holds && broken.empty())
            broken = what;
    }

    // -- the user --
    bool can_register() const { return registrations < registrations_max && !source_registered; }
    void register_buffers() {
        expect(state.begin() == 0, "registering what is unregistered was refused");
        source_registered = true;
        ++registrations;
        published = state.epoch();
    }
    void register_again() { expect(state.begin() == -EBUSY, "registering twice was not refused"); }

    bool can_unregister() const { return source_registered && waiting < waiters_max; }
    void unregister() {
        bool first = false;
        expect(state.request_end(first) == 0, "unregistering was refused");
        ++waiting;
        expect(first == (waiting == 1), "the first who asks to unregister was not told so");
        published = state.epoch();
        if (!first)
            return;
        for (unsigned i = 0; i < rings; ++i)
            if (state.attached().test(i))
                all[i].inbox.push_back({kind::drain});
        if (state.drained())
            finish();
    }

    bool can_update() const { return version < 1 && state.check_update() == 0; }
    void update() {
        ++version;
        for (unsigned i = 0; i < rings; ++i)
            if (state.attached().test(i))
                all[i].inbox.push_back({kind::update});
    }

    void finish() {
        for (const ring& r : all) {
            expect(r.side.in_flight() == 0, "unregistered under a request in flight");
            expect(!r.kernel_has_it, "unregistered while a ring still has it");
            expect(!r.attached, "unregistered while requests may be sent to a ring without asking");
            for (const message& m : r.inbox)
                expect(m.what != kind::request || !m.in_time, "unregistered before a request has arrived");
        }
        state.finish();
        published = state.epoch();
        source_registered = false;
        waiting = 0; // everybody who asked is told, once
    }

    // -- who starts requests for ring i --
    std::size_t unfinished(unsigned i) const {
        std::size_t n = all[i].side.in_flight();
        for (const message& m : all[i].inbox)
            n += m.what == kind::request;
        return n;
    }
    bool can_look(unsigned i) const {
        return all[i].starter == step::idle && unfinished(i) < unfinished_max[i] &&
               published.stage() == registration_stage::registered;
    }
    void look(unsigned i) {
        all[i].starter = step::looked;
        all[i].seen = published;
    }
    void enlist(unsigned i) {
        ring& r = all[i];
        r.starter = step::idle;
        if (!r.attached) {
            const int refused = state.attach(i);
            expect(refused == 0 || state.stage() != registration_stage::registered, "attaching was refused");
            if (refused != 0)
                return;
            r.attached = true;
        }
        r.starter = step::enlisted;
    }
    void push(unsigned i) {
        all[i].starter = step::idle;
        all[i].inbox.push_back({kind::request, state.epoch() == all[i].seen, version});
    }

    // -- a ring --
    void admit(unsigned i, const message& m) {
        ring& r = all[i];
        const int refused = r.side.admit(r.attached);
        expect(refused == 0 || !m.in_time, "a request that was started in time was refused");
        if (refused != 0)
            return;
        expect(source_registered, "admitted without a registration");
        if (!r.side.is_installed() || r.side.version() != version) {
            r.kernel_has_it = true;
            r.side.installed(version);
        }
        expect(r.side.version() >= m.version, "a request refers to what was replaced before it was started");
    }
    bool can_complete(unsigned i) const { return all[i].side.in_flight() != 0; }
    void complete(unsigned i) {
        expect(source_registered, "a request outlived its registration");
        if (all[i].side.leave())
            drop(i);
    }
    bool can_take(unsigned i) const { return !all[i].inbox.empty(); }
    void take(unsigned i) {
        ring& r = all[i];
        const message m = r.inbox.front();
        r.inbox.erase(r.inbox.begin());
        if (m.what == kind::request) {
            admit(i, m);
        } else if (m.what == kind::update) {
            if (r.side.is_installed())
                r.side.installed(version);
        } else {
            expect(r.attached, "a registration was ended on a ring that does not have it");
            if (r.side.drain())
                drop(i);
        }
    }
    void drop(unsigned i) {
        all[i].kernel_has_it = false;
        all[i].side.detached();
        all[i].attached = false;
        if (state.detach(i))
            finish();
    }

    // Everything that may influence what happens next.
    std::string key() const {
        std::string k; // every value is below 128
        const auto add = [&k](std::uint64_t v) { k += static_cast<char>(v); };
        add(published.word());
        add(state.epoch().word());
        add(state.attached().to_ullong());
        add(source_registered);
        add(registrations);
        add(waiting);
        add(version);
        for (const ring& r : all) {
            add(r.side.in_flight());
            add(r.side.is_installed());
            add(r.side.is_draining());
            add(r.side.version());
            add(r.attached);
            add(r.kernel_has_it);
            add(static_cast<unsigned>(r.starter));
            add(r.starter == step::idle ? 0 : r.seen.word());
            for (const message& m : r.inbox)
                add(10 + static_cast<unsigned>(m.what) * 4 + m.in_time * 2 + m.version);
            k += ';';
        }
        return k;
    }
};

// Every event that is possible in `w`, as the worlds they lead to.
std::vector<world> successors(const world& w) {
    std::vector<world> next;
    const auto try_event = [&](bool possible, auto event) {
        if (!possible)
            return;
        next.push_back(w);
        event(next.back());
    };
    try_event(w.can_register(), [](world& x) { x.register_buffers(); });
    try_event(w.source_registered, [](world& x) { x.register_again(); });
    try_event(w.can_unregister(), [](world& x) { x.unregister(); });
    try_event(w.can_update(), [](world& x) { x.update(); });
    for (unsigned i = 0; i < world::rings; ++i) {
        try_event(w.can_look(i), [i](world& x) { x.look(i); });
        try_event(w.all[i].starter == world::step::looked, [i](world& x) { x.enlist(i); });
        try_event(w.all[i].starter == world::step::enlisted, [i](world& x) { x.push(i); });
        try_event(w.can_complete(i), [i](world& x) { x.complete(i); });
        try_event(w.can_take(i), [i](world& x) { x.take(i); });
    }
    return next;
}

// Once nobody starts anything any more, whatever is draining comes to its end.
void let_everything_end(world& w) {
    for (bool progress = true; progress && w.broken.empty();) {
        progress = false;
        for (unsigned i = 0; i < world::rings; ++i) {
            if (w.all[i].starter == world::step::looked)
                w.enlist(i);
            else if (w.all[i].starter == world::step::enlisted)
                w.push(i);
            else if (w.can_take(i))
                w.take(i);
            else if (w.can_complete(i))
                w.complete(i);
            else
                continue;
            progress = true;
        }
    }
}

TEST(RegistrationModel, HoldsInEveryInterleaving) {
    std::unordered_set<std::string> seen;
    std::vector<world> to_visit(1);
    seen.insert(to_visit.back().key());
    std::size_t drained_with_requests_in_flight = 0;
    std::size_t ended_twice = 0;
    while (!to_visit.empty()) {
        const world w = to_visit.back();
        to_visit.pop_back();
        ASSERT_EQ(w.broken, "");
        drained_with_requests_in_flight +=
            w.state.stage() == registration_stage::draining && w.all[0].side.in_flight() != 0;
        ended_twice += w.registrations == 2 && w.state.stage() == registration_stage::unregistered;

        world end = w;
        let_everything_end(end);
        ASSERT_EQ(end.broken, "");
        ASSERT_NE(end.state.stage(), registration_stage::draining);
        ASSERT_EQ(end.waiting, 0u);

        for (world& next : successors(w))
            if (seen.insert(next.key()).second)
                to_visit.push_back(std::move(next));
    }
    RecordProperty("states", static_cast<int>(seen.size()));
    EXPECT_GT(seen.size(), 10'000u); // that the model still explores what it should
    EXPECT_GT(drained_with_requests_in_flight, 0u);
    EXPECT_GT(ended_twice, 0u);
}

} // namespace
