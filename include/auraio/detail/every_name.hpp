// every_name: whether namespace aura gets Asio's names by a using-directive or by a declaration of each.
#pragma once

#include "auraio/detail/config.hpp"

// With a directive whatever Asio declares, now or later, is found as aura::name. But directives add up: after
// `using namespace aura;` both Asio's io_context and ours are found, and neither is chosen. A declaration has
// no such effect, but needs that the name is there: it is for all of Asio (auraio.hpp) as it comes, for the
// versions that asio_names.hpp was made from and tried with. Elsewhere the directive stays, and `using
// namespace aura;` is ambiguous; defining AURAIO_USING_NAMESPACE before the first header insists on
// declarations for any version between the first and the last of them.
#if AURAIO_ASIO_VERSION > 103899
#elif defined(AURAIO_HAS_BEAST) && !defined(AURAIO_USING_NAMESPACE) &&                                       \
    !(AURAIO_ASIO_VERSION / 100 == 1026 || AURAIO_ASIO_VERSION / 100 == 1034)
#elif defined(ASIO_NO_DYNAMIC_BUFFER_V1) || defined(BOOST_ASIO_NO_DYNAMIC_BUFFER_V1) ||                      \
    defined(ASIO_DISABLE_CONCEPTS) || defined(BOOST_ASIO_DISABLE_CONCEPTS) ||                                \
    defined(ASIO_DISABLE_SERIAL_PORT) || defined(BOOST_ASIO_DISABLE_SERIAL_PORT) ||                          \
    defined(ASIO_DISABLE_STD_FUTURE) || defined(BOOST_ASIO_DISABLE_STD_FUTURE) ||                            \
    defined(ASIO_DISABLE_STRING_VIEW) || defined(BOOST_ASIO_DISABLE_STRING_VIEW) ||                          \
    defined(ASIO_DISABLE_VARIABLE_TEMPLATES) || defined(BOOST_ASIO_DISABLE_VARIABLE_TEMPLATES) ||            \
    defined(ASIO_DISABLE_STD_EXCEPTION_PTR) || defined(BOOST_ASIO_DISABLE_STD_EXCEPTION_PTR) ||              \
    defined(ASIO_DISABLE_ALIAS_TEMPLATES) || defined(BOOST_ASIO_DISABLE_ALIAS_TEMPLATES) ||                  \
    defined(ASIO_DISABLE_DECLTYPE) || defined(BOOST_ASIO_DISABLE_DECLTYPE) ||                                \
    !defined(AURAIO_HAS_LOCAL_SOCKETS)
#elif !defined(AURAIO_NAMES_BY_DIRECTIVE) // by a narrower header, included before
#define AURAIO_EVERY_NAME
#endif

#if defined(AURAIO_USING_NAMESPACE) && !defined(AURAIO_EVERY_NAME)
#error "auraio: AURAIO_USING_NAMESPACE wants <auraio/auraio.hpp> first, and Asio 1.22 to 1.38 with its names"
#endif
