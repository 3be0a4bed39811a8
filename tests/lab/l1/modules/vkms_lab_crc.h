/* SPDX-License-Identifier: MIT */
/*
 * How the lab's vkms reads pictures out, included by vkms_crtc.c. Whoever asks for checksums of what is on the screen gets them from a worker that
 * starts at a vertical blank and reads the planes' memory for as long as that takes; the driver as it is announces the next blank in time all the
 * same. A buffer whose turn is over by then is still read, which no real display does. Here a blank comes only once the picture before it was read to its
 * end: a machine that is too slow has a slower display, whose frame numbers have gaps.
 */
#include <linux/atomic.h>
#include <linux/workqueue.h>

static atomic_t vkms_lab_reading = ATOMIC_INIT(0);

static bool vkms_lab_reads(void)
{
	return atomic_read(&vkms_lab_reading) != 0;
}

static bool vkms_lab_read(struct workqueue_struct *queue, struct work_struct *work)
{
	atomic_set(&vkms_lab_reading, 1);
	return queue_work(queue, work);
}

static void vkms_lab_worker(struct work_struct *work)
{
	vkms_composer_worker(work);
	atomic_set(&vkms_lab_reading, 0);
}
