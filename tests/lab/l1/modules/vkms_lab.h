/* SPDX-License-Identifier: MIT */
/*
 * What the lab's vkms can do besides, included by vkms_drv.c:
 *
 *  - sync objects with timelines. DRM's core does all of it once a driver says that it has them; compositors offer explicit
 *    synchronisation only then.
 *  - imported buffers can be mapped by DRM_IOCTL_MODE_MAP_DUMB, which the core's helper refuses. Mesa's software renderer
 *    knows no other way to read a dma-buf, and crashes without it.
 *  - with the parameter render=1 a render node, on which dumb buffers work: the only ones that Mesa's software renderer makes.
 */
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static struct drm_driver vkms_driver;

static bool vkms_lab_render;

static int vkms_lab_set_render(const char *value, const struct kernel_param *parameter)
{
	int ret = param_set_bool(value, parameter);

	if (!ret && vkms_lab_render)
		vkms_driver.driver_features |= DRIVER_RENDER;
	return ret;
}

static const struct kernel_param_ops vkms_lab_render_ops = {
	.set = vkms_lab_set_render,
	.get = param_get_bool,
};
module_param_cb(render, &vkms_lab_render_ops, &vkms_lab_render, 0444);
MODULE_PARM_DESC(render, "Make a render node on which dumb buffers work");

static int vkms_lab_map_offset(struct drm_file *file, struct drm_device *dev, u32 handle, u64 *offset)
{
	struct drm_gem_object *object = drm_gem_object_lookup(file, handle);
	int ret;

	if (!object)
		return -ENOENT;
	ret = drm_gem_create_mmap_offset(object);
	if (!ret)
		*offset = drm_vma_node_offset_addr(&object->vma_node);
	drm_gem_object_put(object);
	return ret;
}

union vkms_lab_dumb {
	struct drm_mode_create_dumb create;
	struct drm_mode_map_dumb map;
	struct drm_mode_destroy_dumb destroy;
};

/* The core keeps dumb buffers away from render nodes: here they are served before it is asked. */
static long vkms_lab_ioctl(struct file *filp, unsigned int command, unsigned long address)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *dev = file->minor->dev;
	union vkms_lab_dumb dumb;
	long ret;

	if (!drm_is_render_client(file))
		return drm_ioctl(filp, command, address);
	switch (command) {
	case DRM_IOCTL_MODE_CREATE_DUMB:
	case DRM_IOCTL_MODE_MAP_DUMB:
	case DRM_IOCTL_MODE_DESTROY_DUMB:
		break;
	default:
		return drm_ioctl(filp, command, address);
	}
	if (copy_from_user(&dumb, (void __user *)address, _IOC_SIZE(command)))
		return -EFAULT;
	switch (command) {
	case DRM_IOCTL_MODE_CREATE_DUMB:
		if (!dumb.create.width || dumb.create.width > XRES_MAX || !dumb.create.height || dumb.create.height > YRES_MAX ||
		    !dumb.create.bpp || dumb.create.bpp > 128 || dumb.create.flags)
			return -EINVAL;
		ret = drm_gem_shmem_dumb_create(file, dev, &dumb.create);
		break;
	case DRM_IOCTL_MODE_MAP_DUMB:
		ret = vkms_lab_map_offset(file, dev, dumb.map.handle, &dumb.map.offset);
		break;
	default:
		ret = drm_gem_handle_delete(file, dumb.destroy.handle);
		break;
	}
	if (!ret && copy_to_user((void __user *)address, &dumb, _IOC_SIZE(command)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations vkms_driver_fops = {
	.owner = THIS_MODULE,
	DRM_GEM_FOPS,
	.unlocked_ioctl = vkms_lab_ioctl,
};

#define VKMS_LAB_FEATURES (DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE)
#define VKMS_LAB_FUNCTIONS .dumb_map_offset = vkms_lab_map_offset,
