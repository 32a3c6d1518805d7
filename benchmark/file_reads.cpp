// Random 4 KiB reads through random_access_file, on auraio or plain Asio, by callbacks or by coroutines.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/read_workload.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace {

using namespace benchmark;

std::unique_ptr<io::random_access_file> open_file(io::io_context& context, const read_workload& workload) {
#if defined(BENCHMARK_AURAIO)
    auto flags = io::file_base::read_only;
    if (workload.direct())
        flags = flags | io::file_base::direct;
    return std::make_unique<io::random_access_file>(context, workload.path(), flags);
#else
    // Asio has no flag for O_DIRECT: the descriptor comes from outside, copied because the file closes it.
    return std::make_unique<io::random_access_file>(context, ::dup(workload.fd()));
#endif
}

// One read in flight: the handler starts the next.
class slot_reader {
public:
    slot_reader(io::random_access_file& file, read_workload& workload, unsigned slot)
        : file_(file)
        , workload_(workload)
        , slot_(slot) {}

    void start() {
        file_.async_read_some_at(
            workload_.next_offset(slot_), net::buffer(workload_.buffer(slot_), block_size),
            [this](const std::error_code& error, std::size_t size) {
                const auto result = error ? -error.value() : static_cast<std::int64_t>(size);
                if (workload_.completed(slot_, result))
                    start();
            });
    }

private:
    io::random_access_file& file_;
    read_workload& workload_;
    unsigned slot_;
};

template <typename Executor>
net::awaitable<void, Executor> read_slot(io::random_access_file& file, read_workload& workload,
                                         unsigned slot) {
    std::size_t size = 0;
    do {
        size = co_await file.async_read_some_at(workload.next_offset(slot),
                                                net::buffer(workload.buffer(slot), block_size),
                                                net::use_awaitable_t<Executor>{});
    } while (workload.completed(slot, static_cast<std::int64_t>(size)));
}

template <typename Executor>
void spawn_readers(io::io_context& context, const std::vector<std::unique_ptr<io::random_access_file>>& files,
                   read_workload& workload) {
    for (unsigned slot = 0; slot < workload.depth(); ++slot)
        net::co_spawn(context.get_executor(),
                      read_slot<Executor>(*files[slot % files.size()], workload, slot),
                      [](std::exception_ptr error) {
                          if (error)
                              std::rethrow_exception(error);
                      });
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    read_workload workload(args);
    const std::string style = args.text("style", "callbacks");
    // Asio runs the reads of one file object one after the other: a file object per slot is the way around.
    const std::string objects = args.text("files", "one");
    const auto context = make_context(args);
#if defined(BENCHMARK_AURAIO)
    // Requests that are submitted together at most; 0: the library finds out.
    context->set_batch_threshold(static_cast<unsigned>(args.number("batch", 0)));
    // Whether the device's gate may hold requests back.
    context->set_adaptive(args.number("adaptive", 1) != 0);
#endif
    args.reject_unknown();

    std::vector<std::unique_ptr<io::random_access_file>> files;
    for (unsigned i = 0; i < (objects == "one" ? 1U : workload.depth()); ++i)
        files.push_back(open_file(*context, workload));
    std::vector<slot_reader> readers;
    if (style == "callbacks") {
        for (unsigned slot = 0; slot < workload.depth(); ++slot)
            readers.emplace_back(*files[slot % files.size()], workload, slot);
        for (slot_reader& reader : readers)
            reader.start();
    } else if (style == "coroutines") {
        spawn_readers<net::any_io_executor>(*context, files, workload);
    } else if (style == "typed_coroutines") {
        spawn_readers<io_executor>(*context, files, workload);
    } else {
        fail("style is callbacks, coroutines or typed_coroutines");
    }
    context->run();
    workload.print(args);
}
