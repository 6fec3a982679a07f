/* The configuration file: any bytes are either taken or refused, and leave nothing behind. */
#include <stdint.h>
#include <stdlib.h>

#include "config/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {0};
    FILE *err = fopen("/dev/null", "w");
    if (!err)
        abort();
    struct config_loader loader = {.config = &config, .err = err};
    config_file_parse(&loader, "fuzz", slice_of((const char *)data, size));
    if (config.peer_count > CONFIG_PEERS_MAX || loader.errors > CONFIG_ERRORS_MAX)
        abort();
    for (size_t i = 0; i < config.peer_count && loader.errors == 0; i++)
        if (config.peer[i].name[0] == 0)
            abort();
    config_fini(&config);
    fclose(err);
    return 0;
}
