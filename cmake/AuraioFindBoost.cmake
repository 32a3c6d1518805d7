# auraio_find_boost([REQUIRED] [QUIET] [GLOBAL]): target Boost::headers, from AURAIO_BOOST_INCLUDE_DIR when that is set.
# A macro: find_package's results belong to the caller, who may be a package configuration file.
macro(auraio_find_boost)
    if(AURAIO_BOOST_INCLUDE_DIR AND NOT TARGET Boost::headers)
        if(NOT EXISTS "${AURAIO_BOOST_INCLUDE_DIR}/boost/asio.hpp")
            message(FATAL_ERROR "AURAIO_BOOST_INCLUDE_DIR: no boost/asio.hpp in '${AURAIO_BOOST_INCLUDE_DIR}'")
        endif()
        add_library(Boost::headers INTERFACE IMPORTED GLOBAL)
        target_include_directories(Boost::headers INTERFACE "${AURAIO_BOOST_INCLUDE_DIR}")
        set(Boost_FOUND TRUE)
    else()
        find_package(Boost 1.81 ${ARGN})
    endif()
endmacro()
