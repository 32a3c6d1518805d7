// Random 4 KiB reads through aura.h, as a C program would do them: each callback starts the next read.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/read_workload.hpp"

#include <auraio/aura.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace benchmark;

struct registered {
    bool buffers, files;
};

registered what_to_register(arguments& args) {
    const std::string what = args.text("registered", "none");
    if (what != "none" && what != "buffers" && what != "files" && what != "both")
        fail("registered is none, buffers, files or both");
    return {what == "buffers" || what == "both", what == "files" || what == "both"};
}

class reader {
public:
    reader(aura_engine_t* engine, read_workload& workload, registered what)
        : engine_(engine)
        , workload_(workload)
        , slots_(workload.depth())
        , fd_(what.files ? AURA_FIXED_FILE | 0 : workload.fd())
        , buffers_(what.buffers) {
        const int fd = workload.fd();
        if (what.files && aura_register_files(engine, &fd, 1) != 0)
            fail("aura_register_files", errno);
        std::vector<iovec> buffers;
        for (unsigned i = 0; i < workload.depth(); ++i)
            buffers.push_back({workload.buffer(i), block_size});
        if (what.buffers && aura_register_buffers(engine, buffers.data(), workload.depth()) != 0)
            fail("aura_register_buffers", errno);
    }

    void start() {
        for (unsigned i = 0; i < workload_.depth(); ++i) {
            slots_[i] = {this, i};
            next(slots_[i]);
        }
    }
    bool over() const { return ended_ == workload_.depth(); }

private:
    struct slot {
        reader* self;
        unsigned index;
    };

    void next(slot& s) {
        const aura_buf_t buf =
            buffers_ ? aura_buf_fixed(static_cast<int>(s.index), 0) : aura_buf(workload_.buffer(s.index));
        if (!aura_read(engine_, fd_, buf, block_size, static_cast<off_t>(workload_.next_offset(s.index)),
                       on_read, &s))
            fail("aura_read", errno);
    }

    static void on_read(aura_request_t*, ssize_t result, void* user_data) {
        slot& s = *static_cast<slot*>(user_data);
        reader& self = *s.self;
        if (self.workload_.completed(s.index, result)) {
            self.next(s);
            return;
        }
        ++self.ended_;
        if (self.over())
            aura_stop(self.engine_);
    }

    aura_engine_t* const engine_;
    read_workload& workload_;
    std::vector<slot> slots_;
    const int fd_;
    const bool buffers_;
    unsigned ended_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "auraio_c");
    pin_this_thread(0);
    read_workload workload(args);
    // run: aura_run() from beginning to end. wait: the program's own loop around aura_wait().
    const std::string loop = args.text("loop", "run");
    // What the kernel is to know beforehand.
    const registered what = what_to_register(args);
    args.reject_unknown();

    const std::unique_ptr<aura_engine_t, int (*)(aura_engine_t*)> engine(aura_create(), aura_destroy);
    if (!engine)
        unsupported("aura_create", errno);
    reader reads(engine.get(), workload, what);
    reads.start();
    if (loop == "run") {
        if (const int result = aura_run(engine.get()); result < 0)
            fail("aura_run", -result);
    } else if (loop == "wait") {
        while (!reads.over())
            if (const int result = aura_wait(engine.get(), -1); result < 0)
                fail("aura_wait", -result);
    } else {
        fail("loop is run or wait");
    }
    workload.print(args);
}
