// SPDX-License-Identifier: MIT
/*
 * The entrance to sw_sync, /sys/kernel/debug/sync/sw_sync, without the kernel's list of all fences beside it: that one
 * needs a function which the kernel does not export.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "sync_debug.h"

static struct dentry *folder;

void sync_timeline_debug_add(struct sync_timeline *timeline)
{
}

void sync_timeline_debug_remove(struct sync_timeline *timeline)
{
}

static int __init sw_sync_init(void)
{
	folder = debugfs_create_dir("sync", NULL);
	debugfs_create_file("sw_sync", 0600, folder, NULL, &sw_sync_debugfs_fops);
	return 0;
}

static void __exit sw_sync_exit(void)
{
	debugfs_remove(folder);
}

module_init(sw_sync_init);
module_exit(sw_sync_exit);

MODULE_DESCRIPTION("Fences under a program's control");
MODULE_LICENSE("Dual MIT/GPL");
