// What the standalone examples as they are share: all of Asio.
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <boost/bind/bind.hpp>
