# The swap for Boost: boost::asio becomes aura, boost::beast becomes aura::beast, which overrides its tcp_stream.
s/(^|[^A-Za-z0-9_:])(::)?boost::asio([^A-Za-z0-9_])/\1\2aura\3/g
s/(^|[^A-Za-z0-9_:])(::)?boost::beast([^A-Za-z0-9_])/\1\2aura::beast\3/g
/^#[[:space:]]*include <boost\/(asio|beast)(\/[^">]*)?\.hpp>/a #include <auraio/beast.hpp>
