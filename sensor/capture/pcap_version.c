#include <pcap/pcap.h>

#include "capture/capture.h"

const char *capture_library_version(void)
{
    return pcap_lib_version();
}
