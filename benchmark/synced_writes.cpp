// Chains of a write of 4 KiB and fdatasync(2) on one file, as a log of transactions has them.
#include "support/synced_writes.hpp"
#include "support/affinity.hpp"
#include "support/contender.hpp"

#include <cstddef>
#include <vector>

namespace {

using namespace benchmark;

class chain {
public:
    chain(io::random_access_file& file, synced_writes& all, unsigned slot)
        : file_(file)
        , all_(all)
        , slot_(slot) {}

    void write() {
        file_.async_write_some_at(all_.begin(slot_), net::buffer(all_.block(), block_size),
                                  [this](const error_code& error, std::size_t size) {
                                      if (error || size != block_size)
                                          fail("write", error.value());
                                      sync();
                                  });
    }

private:
    void sync() {
        file_.async_sync_data([this](const error_code& error) {
            if (error)
                fail("fdatasync", error.value());
            if (all_.ended(slot_))
                write();
        });
    }

    io::random_access_file& file_;
    synced_writes& all_;
    unsigned slot_;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    synced_writes all(args);
    const auto context = make_context(args);
    context->set_adaptive(args.number("adaptive", 1) != 0);
    args.reject_unknown();
    io::random_access_file file(*context, all.path(), io::file_base::read_write);
    std::vector<chain> chains;
    for (unsigned slot = 0; slot < all.depth(); ++slot)
        chains.emplace_back(file, all, slot);
    for (chain& one : chains)
        one.write();
    context->run();
    all.print(args);
}
