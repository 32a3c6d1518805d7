// Random 4 KiB reads through <aura.hpp>, as c_reads does them: each lambda, or coroutine, starts the next read.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/read_workload.hpp"

#include <aura.hpp>

#include <string>
#include <vector>

namespace {

using namespace benchmark;

class reader {
public:
    reader(aura::Engine& engine, read_workload& workload)
        : engine_(engine)
        , workload_(workload) {}

    /// One that captures more than a pointer, so that it is kept in a slot.
    void next(unsigned slot) {
        engine_.read(workload_.fd(), workload_.buffer(slot), block_size,
                     static_cast<off_t>(workload_.next_offset(slot)),
                     [this, slot](aura::Request&, ssize_t n) {
                         if (workload_.completed(slot, n))
                             next(slot);
                         else
                             end();
                     });
    }

    aura::Task<> loop(unsigned slot) {
        ssize_t n = 0;
        do
            n = co_await engine_.async_read(workload_.fd(), workload_.buffer(slot), block_size,
                                            static_cast<off_t>(workload_.next_offset(slot)));
        while (workload_.completed(slot, n));
        end();
    }

private:
    void end() {
        if (++ended_ == workload_.depth())
            engine_.stop();
    }

    aura::Engine& engine_;
    read_workload& workload_;
    unsigned ended_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "auraio_cpp");
    pin_this_thread(0);
    read_workload workload(args);
    const std::string style = args.text("style", "lambdas");
    if (style != "lambdas" && style != "coroutines")
        fail("style is lambdas or coroutines");
    args.reject_unknown();

    try {
        aura::Engine engine;
        reader reads(engine, workload);
        for (unsigned slot = 0; slot < workload.depth(); ++slot) {
            if (style == "lambdas")
                reads.next(slot);
            else
                reads.loop(slot).detach();
        }
        engine.run();
    } catch (const aura::Error& e) {
        fail(e.what());
    }
    workload.print(args);
}
